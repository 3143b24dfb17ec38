import Formats
import TestSupport
import Testing

@testable import ConvNet
@testable import Tensors

/// What PyTorch's programs write as safetensors: other names around the same layers.
@Suite struct TorchNamesTests {
  private func open(
    _ tensors: [(String, [Int], [Float])], as architecture: Architecture? = nil
  ) throws -> Model {
    try withTemporaryFolder { folder in
      let path = "\(folder)/net.safetensors"
      try SafetensorsWriter.write(
        path, metadata: ["format": "pt"], tensors: tensors.map { (name: $0, shape: $1, floats: $2) }
      )
      return try Model.open(path, architecture: architecture)
    }
  }

  private func tensors(
    of model: Model, named name: (String) -> String
  ) -> [(String, [Int], [Float])] {
    model.definition.layers.filter(\.hasParameters).reversed().flatMap { layer in
      zip(layer.parameters, model.storedParameters(layer.name).blobs).map {
        ("\(name(layer.name)).\($0.name)", $0.shape, $1.floats())
      }
    }
  }

  @Test(arguments: [
    ("torchvision", "features.3"), ("torchvision-vgg16", "features.7"),
    ("torchvision-vgg19", "features.7"),
  ])
  func wrappersChangeNothing(network: String, last: String) throws {
    let architecture = try #require(Architecture(rawValue: network))
    let model = try Model.generate(architecture: architecture, seed: 4, through: last)
    let names: [(String) -> String] = [
      { $0 }, { "module.\($0)" }, { "model.module.\($0)" }, { "_orig_mod.\($0)" },
      { "features.module." + $0.dropFirst(9) },
    ]
    for name in names {
      let found = try open(tensors(of: model, named: name), as: architecture)
      #expect(found.weightsSHA256 == model.weightsSHA256)
      #expect(found.warnings.isEmpty)
      if network == "torchvision" {
        let recognized = try open(tensors(of: model, named: name))
        #expect(recognized.architecture == architecture)
      }
    }
  }

  @Test func timmCallsInnerProductsOtherwise() {
    #expect(TorchNames.plain("pre_logits.fc1") == "classifier.0")
    #expect(TorchNames.plain("model.head.fc") == "classifier.6")
    #expect(TorchNames.plain("model") == "model")
    #expect(TorchNames.plain("module") == "module")
  }

  @Test func whatDiffersFromTheNearestNetworkIsSaid() throws {
    let ones = { (count: Int) in [Float](repeating: 1, count: count) }
    let error = #expect(throws: ModelError.self) {
      try open([
        ("features.0.weight", [64, 3, 11, 11], ones(64 * 363)), ("features.0.bias", [64], ones(64)),
        ("features.3.weight", [7, 3], ones(21)), ("features.3.bias", [192], ones(192)),
        ("features.6.weight", [2], ones(2)), ("features.8.weight", [2], ones(2)),
      ])
    }
    guard case .wrongShape("features.3", "weights", _, [192, 64, 5, 5], [7, 3])? = error else {
      Issue.record("found \(String(describing: error))")
      return
    }
  }
}
