import Files
import Formats
import Foundation
import TestSupport
import Testing

@testable import ConvNet
@testable import Tensors

@Suite struct ModelFormatTests {
  @Test(arguments: [Architecture.caffenet, .alexnet], ["safetensors", "caffemodel"])
  func generatedModelsComeBackAsTheyWere(architecture: Architecture, ending: String) throws {
    let model = try Model.generate(architecture: architecture, seed: 3, through: "conv2")
    try withTemporaryFolder { folder in
      let path = folder + "/net." + ending
      try model.write(to: path)
      let back = try Model.open(path)
      #expect(back.weightsSHA256 == model.weightsSHA256)
      #expect(back.definition == model.definition)
      #expect(back.name == model.name)
      #expect(back.architectureSource == (ending == "safetensors" ? .metadata : .layerOrder))
      #expect(back.isUntrained == (ending == "safetensors"))
      #expect(back.warnings.isEmpty)
      #expect(back.parameters("conv2") == model.parameters("conv2"))
      #expect(!FileManager.default.fileExists(atPath: path + ".partial"))

      let again = folder + "/again." + ending
      try back.write(to: again)
      #expect(try readTestFile(again) == readTestFile(path))
      try back.write(to: path)
      #expect(try readTestFile(again) == readTestFile(path))
    }
  }

  /// One process of a host reads the weights through, the others believe it, of this very file.
  @Test func aKnownDigestIsTakenForTheSameFileOnly() throws {
    let model = try Model.generate(architecture: .caffenet, seed: 3, through: "conv1")
    try withTemporaryFolder { folder in
      let path = folder + "/net.safetensors"
      try model.write(to: path)
      let own = try #require(try Model.open(path).knownDigest)
      #expect(own.sha256 == model.weightsSHA256.hexadecimal)
      let told = try JSONDecoder().decode(
        Model.KnownDigest.self,
        from: Data("{\"file\": \"\(own.file)\", \"sha256\": \"told\"}".utf8))
      #expect(try Model.open(path, known: told).weightsSHA256.hexadecimal == "told")
      try model.write(to: path)  // another file with the same numbers
      #expect(try Model.open(path, known: told).weightsSHA256 == model.weightsSHA256)
    }
  }

  @Test func seedsDecideTheNumbersOnEveryMachine() throws {
    let model = try Model.generate(architecture: .caffenet, seed: 1, through: "conv2")
    #expect(
      model.weightsSHA256.hexadecimal
        == "26c5fb1f11a97a52cd1faf673a975a3c7e17020686c40f0094daf12ff2cff885")
    let shorter = try Model.generate(architecture: .alexnet, seed: 1, through: "conv1")
    #expect(shorter.parameters("conv1") == model.parameters("conv1"))
    let other = try Model.generate(architecture: .caffenet, seed: 2, through: "conv1")
    #expect(other.parameters("conv1").weights != model.parameters("conv1").weights)
  }

  @Test func firstLayerFiltersAreBalancedAndOfOneLength() throws {
    let model = try Model.generate(architecture: .caffenet, seed: 9, through: "conv1")
    let weights = model.parameters("conv1").weights
    for filter in 0..<96 {
      let values = weights[filter * 363..<(filter + 1) * 363]
      // Neither a flat gray picture nor, for the first half, a flat picture of any colour excites
      // a filter; float32 rounding leaves some 1e-8 a weight.
      #expect(abs(values.reduce(0, +)) < 1e-5)
      #expect(abs(values.reduce(0) { $0 + $1 * $1 } - 1) < 1e-5)
      if filter < 48 { #expect(abs(values.prefix(121).reduce(0, +)) < 1e-5) }
    }
  }

  @Test func hiddenLayersAreHeScaled() throws {
    let weights = try Model.generate(architecture: .caffenet, seed: 1, through: "conv2")
      .parameters("conv2").weights.map(Double.init)
    let mean = weights.reduce(0, +) / Double(weights.count)
    let variance = weights.reduce(0) { $0 + $1 * $1 } / Double(weights.count)
    // 307,200 numbers: four standard errors.
    #expect(abs(mean) < 4 * (2.0 / 1200 / 307_200).squareRoot())
    #expect(abs(variance / (2.0 / 1200) - 1) < 4 * (2.0 / 307_200).squareRoot())
  }

  @Test func namesOfOtherFormatsAreRefused() throws {
    let model = try Model.generate(architecture: .caffenet, seed: 1, through: "conv1")
    guard
      case .unknownFormat("net.pth")? =
        #expect(throws: ModelError.self, performing: { try model.write(to: "net.pth") })
    else { return }
    let error = #expect(throws: ModelError.self) {
      try model.write(to: "/no/such/folder/net.safetensors")
    }
    guard case .cannotWrite(let reason)? = error else {
      Issue.record("found \(String(describing: error))")
      return
    }
    #expect(reason.path == "/no/such/folder/net.safetensors.partial")
  }

  @Test func safetensorsOfOtherNetworksAreRefused() throws {
    try withTemporaryFolder { folder in
      let path = folder + "/net.safetensors"
      try SafetensorsWriter.write(
        path, metadata: [:], tensors: [("features.0.weight", [2], [1, 2])])
      guard
        case .missingLayer("conv1", _, ["features.0"], _)? =
          #expect(throws: ModelError.self, performing: { try Model.open(path) })
      else {
        Issue.record("another network's names were accepted")
        return
      }
      try SafetensorsWriter.write(
        path, metadata: ["architecture": "resnet"], tensors: [("conv1.weight", [2], [1, 2])])
      guard
        case .wrongSetting(_, _, "architecture", _, "resnet")? =
          #expect(throws: ModelError.self, performing: { try Model.open(path) })
      else {
        Issue.record("another architecture was accepted")
        return
      }
      try SafetensorsWriter.write(path, metadata: [:], tensors: [("conv1.weight", [2], [1, 2])])
      guard
        case .missingBlob("conv1", _, _, 1)? =
          #expect(throws: ModelError.self, performing: { try Model.open(path) })
      else {
        Issue.record("missing biases were accepted")
        return
      }
    }
  }

  /// Two networks of the same names and shapes: the layers' settings tell, where the file has them.
  @Test(arguments: ["vgg-m", "vgg-s"], ["caffemodel", "onnx"])
  func settingsTellNetworksOfOneShapeApart(name: String, ending: String) throws {
    let network = try #require(Architecture(rawValue: name))
    let seeded = try Model.generate(architecture: network, seed: 1, through: "conv2")
    // Under a name that says nothing.
    let parameters = ["conv1", "conv2"].reduce(into: [String: LayerParameters]()) {
      $0[$1] = seeded.storedParameters($1)
    }
    let model = try Model(
      architecture: network, parameters: parameters, origin: Model.Origin(name: "x"))
    try withTemporaryFolder { folder in
      let path = "\(folder)/net.\(ending)"
      try model.write(to: path)
      #expect(try Model.open(path).architecture == network)
    }
  }

  @Test func aModelInMemoryIsCheckedToo() throws {
    let few = LayerParameters(weights: StoredFloats([1]), biases: StoredFloats([1]))
    guard
      case .wrongCount("conv1", "weights", _, 34848, 1)? =
        #expect(
          throws: ModelError.self,
          performing: { try Model(architecture: .caffenet, parameters: ["conv1": few]) })
    else {
      Issue.record("one weight was accepted")
      return
    }
  }
}
