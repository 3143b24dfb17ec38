import Testing

@testable import ConvNet

@Suite struct NetworkDefinitionTests {
  /// Sizes as Caffe prints them for the published networks; the pooling sizes are rounded up.
  @Test(arguments: [Architecture.caffenet, .alexnet])
  func shapesAreThePublishedOnes(architecture: Architecture) throws {
    let definition = NetworkDefinition(architecture)
    let expected: [String: [Int]] = [
      "data": [3, 227, 227], "conv1": [96, 55, 55], "conv1:pre": [96, 55, 55],
      "pool1": [96, 27, 27],
      "norm1": architecture == .caffenet ? [96, 27, 27] : [96, 55, 55],
      "conv2": [256, 27, 27], "pool2": [256, 13, 13],
      "norm2": architecture == .caffenet ? [256, 13, 13] : [256, 27, 27],
      "conv3": [384, 13, 13], "conv4": [384, 13, 13], "conv5": [256, 13, 13],
      "pool5": [256, 6, 6], "fc6": [4096], "fc6:pre": [4096], "fc7": [4096], "fc8": [1000],
      "prob": [1000],
    ]
    for (name, dimensions) in expected {
      #expect(definition.shape(of: try BlobName(parsing: name)).dimensions == dimensions)
    }
  }

  @Test(arguments: [
    (Architecture.caffenet, ["conv1", "relu1", "pool1", "norm1", "conv2"]),
    (.alexnet, ["conv1", "relu1", "norm1", "pool1", "conv2"]),
  ])
  func ordersDifferBehindTheFirstConvolution(architecture: Architecture, names: [String]) {
    let definition = NetworkDefinition(architecture)
    #expect(definition.layers.prefix(5).map(\.name) == names)
    for (layer, next) in zip(definition.layers, definition.layers.dropFirst()) {
      #expect(layer.output == next.input)
    }
  }

  @Test func everyMultiplicationIsCounted() {
    let definition = NetworkDefinition(.caffenet)
    let products = definition.layers.reduce(0) { sum, layer in
      guard let shape = layer.weightShape else { return sum }
      let output = definition.shape(of: layer.output)
      return sum + shape.dropFirst().reduce(1, *) * output.count
    }
    #expect(products == 724_406_816)
    #expect(
      definition.layers.compactMap(\.weightShape)
        .reduce(0) { $0 + $1.reduce(1, *) + $1[0] } == 60_965_224)
  }

  @Test(arguments: [("conv1", "norm1"), ("conv4", "conv4"), ("conv5", "pool5"), ("fc8", "prob")])
  func aCutNetworkEndsBeforeTheNextWeights(last: String, blob: String) {
    let definition = NetworkDefinition(.caffenet, through: last)
    #expect(definition.blobs.last == BlobName(blob))
    #expect(definition.layers.last(where: \.hasParameters)?.name == last)
  }

  @Test(arguments: [
    ("CaffeNet", Architecture.caffenet), ("bvlc_reference_caffenet", .caffenet),
    ("AlexNet", .alexnet), ("LeNet", nil), ("", nil), ("alexnet or caffenet", nil),
  ])
  func networkNamesTellTheArchitecture(name: String, architecture: Architecture?) {
    #expect(Architecture(networkName: name) == architecture)
  }
}

@Suite struct BlobNameTests {
  @Test(arguments: [
    ("fc6", "fc6", "fc6"), ("fc6:pre", "fc6:pre", "fc6-pre"), ("decaf5", "pool5", "pool5"),
    ("decaf6", "fc6", "fc6"), ("decaf7:pre", "fc7:pre", "fc7-pre"),
    ("c2/dw:pre", "c2/dw:pre", "c2-dw-pre"), ("data", "data", "data"),
  ])
  func namesAreResolved(text: String, description: String, fileStem: String) throws {
    let blob = try BlobName(parsing: text)
    #expect(blob.description == description)
    #expect(blob.fileStem == fileStem)
    #expect(try BlobName(parsing: description) == blob)
  }

  @Test(arguments: ["", ":pre", "fc6:pre:pre", "a b", "a,b", "a\"b", ".hidden"])
  func whatIsNoNameIsRefused(text: String) {
    guard
      case .notABlob(text)? = #expect(
        throws: ModelError.self,
        performing: {
          try BlobName(parsing: text)
        })
    else {
      Issue.record("accepted")
      return
    }
  }

  @Test(arguments: ["fc9", "pool5:pre", "fc8:pre", "data:pre", "FC6"])
  func otherNamesAreRefusedWithTheValidOnes(text: String) throws {
    let model = try Model.generate(architecture: .caffenet, seed: 1, through: "conv1")
    let blob = try BlobName(parsing: text)
    let error = #expect(throws: ModelError.self) { try model.requireReachable(blob) }
    guard case .unknownBlob(text, "caffenet", let valid)? = error else {
      Issue.record("found \(String(describing: error))")
      return
    }
    #expect(valid.contains("fc6:pre") && valid.contains("data") && valid.count == 22)
  }
}
