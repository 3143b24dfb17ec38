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

  /// A network within another: any name before all of its layers'.
  @Test(arguments: ["encoder.", "module.encoder_q.", "_model.", "backbone.body.", "params."])
  func aPrefixOfAllNamesIsDropped(prefix: String) throws {
    let model = try Self.model.get()
    let own = tensors(of: model) { prefix + $0 }
    let head = ("head.0.weight", [2, 2], [Float](repeating: 1, count: 4))
    for architecture in [nil, model.architecture] {
      let found = try open(own + [head], as: architecture)
      #expect(found.weightsSHA256 == model.weightsSHA256)
      #expect(found.architecture == model.architecture)
      #expect(found.warnings.count == 2)
      #expect(found.warnings[0].contains("are read without"))
      #expect(found.warnings[1].contains("left aside 1 layer"))
    }
  }

  @Test func severalNetworksAreRefusedByName() throws {
    let model = try Self.model.get()
    let both = ["student.", "teacher."].flatMap { prefix in tensors(of: model) { prefix + $0 } }
    guard
      case .unsupported(_, let found, _)? = #expect(
        throws: ModelError.self, performing: { try open(both) })
    else {
      Issue.record("one of two networks was taken")
      return
    }
    #expect(found == "several networks, whose names begin with student., teacher.")
  }

  /// Layers that the network does not have are more than those that it has: it is another network.
  @Test func anotherNetworkOfTheSameBeginningIsRefused() throws {
    let model = try Self.model.get()
    let more = (20..<26).map { ("features.\($0).weight", [2, 2], [Float](repeating: 1, count: 4)) }
    guard
      case .missingLayer(let layer, _, _, _)? = #expect(
        throws: ModelError.self, performing: { try open(tensors(of: model) { $0 } + more) })
    else {
      Issue.record("another network was read as torchvision's AlexNet")
      return
    }
    #expect(layer == "features.6")
  }

  private static let model = Result {
    try Model.generate(
      architecture: Architecture(rawValue: "torchvision")!, seed: 4, through: "features.3")
  }

  /// PyTorch's BatchNorm is Caffe's and the Scale layer behind it.
  @Test func batchNormalizationIsTakenApart() throws {
    let network = try #require(Architecture(rawValue: "torchvision-vgg16-bn"))
    let random = { (count: Int, seed: Int) in
      SlowKernels.random(count, seed: UInt64(seed), in: 0.5...2)
    }
    let normalization: [(String, [Int], [Float])] = [
      ("features.1.weight", [64], random(64, 1)), ("features.1.bias", [64], random(64, 2)),
      ("features.1.running_mean", [64], random(64, 3)),
      ("features.1.running_var", [64], random(64, 4)),
    ]
    let model = try open(
      [
        ("features.0.weight", [64, 3, 3, 3], random(64 * 27, 5)),
        ("features.0.bias", [64], random(64, 6)),
      ] + normalization)
    #expect(model.architecture == network)
    #expect(model.warnings.isEmpty)
    let statistics = model.storedParameters("features.1").blobs.map { $0.floats() }
    #expect(statistics == [normalization[2].2, normalization[3].2, [1]])
    let scale = model.storedParameters("features.1.scale").blobs.map { $0.floats() }
    #expect(scale == [normalization[0].2, normalization[1].2])
  }

  @Test func integersAreRefusedByName() throws {
    let layers = ["features.0", "features.3"]
    var writer = TorchWriter(
      layers.flatMap { layer in
        [
          TorchWriter.Tensor("\(layer).weight", [1], [0]),
          TorchWriter.Tensor("\(layer).bias", [1], [0]),
        ]
      })
    writer.storage = .integer
    let error = #expect(throws: ModelError.self) {
      try withTemporaryFolder { folder in
        try Model.open(writeTestFile(writer.bytes, "weights", in: folder))
      }
    }
    #expect("\(try #require(error))".contains("features.0.weight as integers"))
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
