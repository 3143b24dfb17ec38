import Files
import Formats
import TestSupport
import Testing

@testable import ConvNet

/// Networks name the input transform that they were trained with, and others are noticed.
@Suite struct NetworkTransformTests {
  private static let head = """
    name: "Net"
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 20, 20] } } }
    layer {
      name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
      convolution_param { num_output: 4 kernel_size: 3 }
    }

    """

  @Test func everyShippedNetworkNamesOneThatFits() throws {
    for network in Architecture.allCases {
      let name = try #require(network.preprocess, "\(network.rawValue)")
      let side = network.definition.inputShape.width
      let transform = try InputTransform.named(name).cropping(to: side)
      #expect(transform.inputSize == side, "\(network.rawValue)")
    }
    #expect(Architecture(rawValue: "torchvision")?.preprocess == "torchvision")
    #expect(Architecture.caffenet.preprocess == "caffe")
  }

  @Test func aCommentOfAFileCounts() throws {
    func read(_ text: String) throws -> Architecture {
      try Architecture(parsing: Array(text.utf8), source: "net.prototxt", folder: "nets")
    }
    #expect(try read(Self.head).preprocess == nil)
    #expect(try read("# preprocess: vgg\n" + Self.head).preprocess == "vgg")
    #expect(try read("# preprocess: own.yaml\n" + Self.head).preprocess == "nets/own.yaml")
    // It is no part of what the network computes.
    #expect(try read("# preprocess: vgg\n" + Self.head) == read(Self.head))
    for wrong in [
      "# preprocess: none\n", "# preprocess:\n", "# preprocess: vgg\n# preprocess: caffe\n",
    ] {
      let error = #expect(throws: ModelError.self) { try read(wrong + Self.head) }
      #expect(error?.description.contains("preprocess: expected once") == true)
    }
    // A network that comes with decaf keeps its name, and gets the transform that the file says.
    let caffenet =
      "# preprocess: decaf-release\n"
      + Architecture.caffenet.text.split(separator: "\n")
      .filter { !$0.hasPrefix("# preprocess") }.joined(separator: "\n")
    #expect(try read(caffenet).rawValue == "caffenet")
    #expect(try read(caffenet).preprocess == "decaf-release")
  }

  @Test func theTransformOfWeightsIsKeptInOurFormat() throws {
    try withTemporaryFolder { folder in
      let model = try Model.generate(architecture: .caffenet, seed: 1, through: "conv1")
      try model.write(to: folder + "/plain.safetensors")
      #expect(try SafetensorsFile(folder + "/plain.safetensors").metadata["preprocess"] == nil)
      let parameters = ["conv1": model.storedParameters("conv1")]
      let own = try Model(
        architecture: .caffenet, parameters: parameters,
        origin: Model.Origin(preprocess: "decaf-release"))
      try own.write(to: folder + "/own.safetensors")
      let back = try Model.open(folder + "/own.safetensors")
      #expect(back.preprocess == "decaf-release")
      #expect(try back.ownTransform()?.channels == .rgb)
    }
  }

  @Test func valuesOfOtherTransformsAreNoticed() throws {
    func differences(_ found: String, _ expected: String) throws -> [String] {
      try InputTransform.named(found).differencesOfValues(from: InputTransform.named(expected))
    }
    for name in ["caffe-cpp", "pycaffe", "vgg"] {
      #expect(try differences(name, "caffe").isEmpty, "\(name)")
      #expect(try differences("caffe", name).isEmpty, "\(name)")
    }
    #expect(
      try differences("caffe", "torchvision").map { $0.split(separator: ":")[0] } == [
        "channels", "scale", "std",
      ])
    #expect(
      try differences("decaf-release", "matconvnet") == ["flip: expected none, found vertical"])
    #expect(!(try differences("decaf-release", "caffe").isEmpty))
    var shifted = try InputTransform.named("caffe")
    shifted.mean = [0, 0, 0]
    #expect(try shifted.differencesOfValues(from: InputTransform.named("caffe")).count == 1)
  }

  @Test func cropsFollowTheNetworkAsFarAsImagesReach() throws {
    let transform = try InputTransform.named("caffe")
    #expect(transform.cropping(to: 224).inputSize == 224)
    #expect(transform.cropping(to: 227) == transform)
    #expect(transform.cropping(to: 299) == transform)
  }
}
