import Formats
import TestSupport
import Testing

@testable import ConvNet

/// Networks as `.prototxt` files describe them.
@Suite struct NetworkTextTests {
  private static let head = """
    name: "Net" # a comment
    input: "data" input_dim: 10 input_dim: 3 input_dim: 20 input_dim: 20

    """

  private func read(_ text: String) throws -> Architecture {
    try Architecture(parsing: Array(text.utf8), source: "net.prototxt")
  }

  private func problem(_ text: String) -> String? {
    do {
      _ = try read(text)
      return nil
    } catch { return "\(error)" }
  }

  @Test func shippedNetworksAreReadAndDiffer() {
    #expect(
      Architecture.allCases.map(\.rawValue) == [
        "caffenet", "alexnet", "nin", "torchvision", "torchvision-vgg16", "torchvision-vgg16-bn",
        "torchvision-vgg19", "vgg-f", "vgg-m", "vgg-s", "vgg16", "vgg19", "zfnet",
      ])
    let millions = Architecture.allCases.map { network in
      network.definition.layers.reduce(0) { $0 + $1.multiplyAdds } / 1_000_000
    }
    // Counted by hand from the published sizes.
    #expect(
      millions == [
        724, 724, 1100, 714, 15470, 15470, 19632, 724, 1676, 2637, 15470, 19632, 1168,
      ])
    let parameters = Architecture.allCases.map { network in
      network.definition.layers.reduce(0) { $0 + $1.parameterCount }
    }
    #expect(parameters[0...1] == [60_965_224, 60_965_224])
    #expect(parameters[3] == 61_100_840)
    // torchvision counts 138,365,992 with batch normalization; Caffe's has a divisor a layer more.
    #expect(parameters[4...6] == [138_357_544, 138_365_992 + 2 * 4224 + 13, 143_667_240])
    #expect(parameters[10...11] == [parameters[4], parameters[6]])
  }

  @Test func usualLayersAreWhatInnerProductsRead() {
    func usual(_ name: String) -> [String]? {
      Architecture(rawValue: name)?.definition.usualBlobs.map(\.description)
    }
    #expect(usual("caffenet") == ["pool5", "fc6", "fc7"])
    #expect(usual("vgg16") == ["pool5", "fc6", "fc7"])
    #expect(usual("torchvision") == ["features.12", "classifier.2", "classifier.5"])
    #expect(usual("nin") == ["pool4"])
  }

  /// The same layers in other words, in both generations of the format.
  @Test func wordsDoNotMatter() throws {
    let new = """
      layer { name: "data" type: "Input" top: "x" input_param { shape { dim: [1, 3, 20, 20] } } }
      layer {
        name: 'c' type: "Convolution" bottom: "x" top: "c" param { lr_mult: 1 decay_mult: 1 }
        convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } }
      }
      layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
      layer { name: "d" type: "Dropout" bottom: "c" top: "c" include { phase: TRAIN } }
      layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { kernel_size: 2 } }
      """
    let old =
      Self.head + """
        layers { name: "c" type: CONVOLUTION bottom: "data" top: "c" blobs_lr: 1 blobs_lr: 2
          convolution_param < kernel_h: 3, kernel_w: 3; num_output: 4 > }
        layers { name: "r" type: RELU bottom: "c" top: "c" }
        layers { name: "p" type: POOLING bottom: "c" top: "p" pooling_param { pool: MAX kernel_size: 2 } }
        """
    let (a, b) = (try read(new), try read(old))
    #expect(a.definition == b.definition)
    #expect(a.rawValue.split(separator: "-").last == b.rawValue.split(separator: "-").last)
    #expect(b.rawValue.hasPrefix("Net-") && Architecture.isNameOfFile(b.rawValue))
    #expect(!Architecture.isNameOfFile("caffenet"))
    let other = try read(new.replacing("kernel_size: 2", with: "kernel_size: 2 stride: 2"))
    #expect(other.rawValue != a.rawValue)
  }

  @Test func aNetworkThatComesWithDecafIsKnownByItsLayers() throws {
    let text = Architecture.caffenet.text.replacing("\"CaffeNet\"", with: "\"mine\"")
    #expect(try read(text) == .caffenet)
  }

  private static func layer(_ name: String, _ type: String, _ rest: String) -> String {
    "layer { name: \"\(name)\" type: \"\(type)\" bottom: \"data\" top: \"\(name)\" \(rest) }\n"
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let text: String
    let message: String
    var testDescription: String { message }

    init(_ text: String, _ message: String) { (self.text, self.message) = (text, message) }

    /// Of a layer behind the input.
    init(_ type: String, _ rest: String, _ message: String, then next: String = "") {
      self.init("\(head)\(layer("a", type, rest))\(next)", message)
    }
  }

  static let refusals: [Refusal] = [
    Refusal("", "line 1: expected the input's size"),
    Refusal(head, "expected layers"),
    Refusal("layer {", "line 1: the text ends inside"),
    Refusal("\n\nlayer { name: \"a\n\" }", "line 3: text in quotes"),
    Refusal(String(repeating: "a {", count: 40), "deep"),
    Refusal("transform: 3", "'transform' is a field that is not read here"),
    Refusal("Concat", "", "line 3: a: layers of type Concat"),
    Refusal("ImageData", "", "give the network's deploy.prototxt"),
    Refusal(
      "Convolution", "convolution_param { num_output: 60000 kernel_size: 3 pad: 9000 }",
      "expected up to 268435456"),
    Refusal("ReLU", "bottom: \"b\"", "reads 2 and makes 1 blobs"),
    Refusal("ReLU", "relu_param { slope: 1 }", "a: 'slope' is a setting"),
    Refusal("ReLU", "pooling_param { pool: MAX }", "'pooling_param' is a field"),
    Refusal("ReLU", "param { name: \"w\" }", "weights that layers share"),
    Refusal("Softmax", "softmax_param { axis: 2 }", "axis: expected 1, found 2"),
    Refusal("Convolution", "convolution_param { num_output: 4 }", "kernel_size is missing"),
    Refusal("Convolution", "convolution_param { kernel_size: 3 }", "num_output is missing"),
    Refusal(
      "Convolution", "convolution_param {\n num_output: 4\n kernel_size: 31 }",
      "a filter of 31 does not fit"),
    Refusal(
      "Convolution", "convolution_param { num_output: 4 kernel_size: 3 group: 2 }",
      "divisor of 3 channels"),
    Refusal(
      "Convolution", "convolution_param { num_output: 99999999 kernel_size: 3 }",
      "num_output: expected 1…65536"),
    Refusal(
      "Pooling", "pooling_param {\n pool: STOCHASTIC kernel_size: 3 }",
      "line 4: a: pool: expected MAX or AVE, found STOCHASTIC"),
    Refusal("Pooling", "pooling_param { kernel_size: 3 pad: 3 }", "pad: expected less"),
    Refusal("Pooling", "pooling_param { kernel_size: 1 stride: 30 }", "would lie outside"),
    Refusal("LRN", "lrn_param { local_size: 4 }", "expected an odd number, found 4"),
    Refusal(
      "LRN", "lrn_param { norm_region: WITHIN_CHANNEL }", "norm_region: expected ACROSS_CHANNELS"),
    Refusal(
      "BatchNorm", "batch_norm_param { use_global_stats: false }",
      "use_global_stats: expected true"),
    Refusal(
      "InnerProduct", "inner_product_param { num_output: 2 }", "line 4: b: LRN goes over a plane",
      then: "layer { name: \"b\" type: \"LRN\" bottom: \"a\" top: \"b\" }"),
    Refusal(
      "ReLU", "", "line 4: b: reads 'data', but a network here is a chain",
      then: layer("b", "ReLU", "")),
    Refusal("ReLU", "", "a second layer of this name", then: layer("a", "ReLU", "")),
    Refusal(
      "\(head)layer { name: \"r\" type: \"ReLU\" bottom: \"data\" top: \"data\" }",
      "would replace the network's input"),
    Refusal(
      "\(head)\(layer("a/b", "ReLU", ""))layer { name: \"c\" type: \"LRN\" bottom: \"a/b\" top: \"a-b\" }",
      "differs from another by '/' and '-' alone"),
    Refusal("\(head)\(layer("a b", "ReLU", ""))", "top 'a b': expected a name"),
  ]

  @Test(arguments: refusals)
  func whatIsNotHonouredIsRefusedByLine(_ it: Refusal) {
    let found = problem(it.text)
    #expect(found?.contains(it.message) == true, "\(found ?? "accepted")")
    #expect(found?.hasPrefix("net.prototxt, line ") == true)
  }

  @Test func weightsOfNetworksFromFilesGoThroughBothFormats() throws {
    let network = try read(
      Self.head
        + Self.layer("c", "Convolution", "convolution_param { num_output: 4 kernel_size: 3 }")
          + """
          layer { name: "b" type: "BatchNorm" bottom: "c" top: "c" }
          layer { name: "s" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
          layer { name: "p" type: "PReLU" bottom: "c" top: "c" }
          layer { name: "d" type: "Convolution" bottom: "c" top: "d" convolution_param {
            num_output: 6 kernel_h: 3 kernel_w: 1 pad_h: 1 pad_w: 0 bias_term: false dilation: 2 } }
          layer { name: "f" type: "InnerProduct" bottom: "d" top: "f" inner_product_param { num_output: 5 } }
          """)
    let model = try Model(
      architecture: network, parameters: SlowNetwork.parameters(of: network.definition))
    try withTemporaryFolder { folder in
      for ending in ["safetensors", "caffemodel"] {
        let path = "\(folder)/net.\(ending)"
        try model.write(to: path)
        let back = try Model.open(path, architecture: ending == "caffemodel" ? network : nil)
        #expect(back.weightsSHA256 == model.weightsSHA256)
        #expect(back.architecture == network && back.definition == network.definition)
        #expect(back.warnings.isEmpty)
      }
    }
  }

  /// Without metadata, as other programs write them.
  private func open(_ tensors: [(String, [Int])], named name: String? = nil) throws -> Model {
    try withTemporaryFolder { folder in
      let path = "\(folder)/net.safetensors"
      try SafetensorsWriter.write(
        path, metadata: name.map { ["name": $0] } ?? [:],
        tensors: tensors.map { name, shape in
          (name, shape, [Float](repeating: 0.5, count: shape.reduce(1, *)))
        })
      return try Model.open(path)
    }
  }

  @Test func weightsTellTheirNetworkByNamesAndShapes() throws {
    let torchvision = try open([
      ("features.0.weight", [64, 3, 11, 11]), ("features.0.bias", [64]),
      ("features.3.weight", [192, 64, 5, 5]), ("features.3.bias", [192]),
    ])
    #expect(torchvision.architecture.rawValue == "torchvision")
    #expect(torchvision.architectureSource == .shapes && torchvision.warnings.isEmpty)
    #expect(torchvision.reachableBlobs.last?.description == "features.5")
    let filters = [("conv1.weight", [96, 3, 7, 7]), ("conv1.bias", [96])]
    guard
      case .ambiguous(_, ["vgg-m", "vgg-s", "zfnet"])? =
        #expect(throws: ModelError.self, performing: { try open(filters) })
    else {
      Issue.record("one of several networks was taken")
      return
    }
    #expect(try open(filters, named: "my ZFNet").architecture.rawValue == "zfnet")
  }
}
