import TestSupport
import Testing

@testable import ConvNet

@Suite struct CaffeModelTests {
  typealias Fixture = CaffeModelFixture

  private func open(
    _ fixture: Fixture, architecture: Architecture? = nil
  ) throws -> Model {
    try withTemporaryFolder { folder in
      try Model.open(
        writeTestFile(fixture.bytes, "net.caffemodel", in: folder), architecture: architecture)
    }
  }

  /// The error that opening `fixture` ends in, or nil when it opens.
  private func error(_ fixture: Fixture, _ architecture: Architecture? = nil) throws -> ModelError?
  {
    do {
      _ = try open(fixture, architecture: architecture)
      return nil
    } catch let error as ModelError { return error }
  }

  @Test(arguments: [false, true], Fixture.Numbers.allCases)
  func everyFormOfNumbersIsReadAlike(isV1: Bool, numbers: Fixture.Numbers) throws {
    var fixture = Fixture(name: "CaffeNet", layers: [Fixture.conv1], isV1: isV1)
    let expected = try open(Fixture(name: "x", layers: [Fixture.conv1])).weightsSHA256
    for shape in Fixture.Shape.allCases {
      (fixture.numbers, fixture.shape) = (numbers, shape)
      let model = try open(fixture)
      #expect(model.parameters("conv1").weights == Fixture.conv1.weights?.values)
      #expect(model.parameters("conv1").biases == Fixture.conv1.biases)
      #expect(model.weightsSHA256 == expected)
      #expect(model.architectureSource == .networkName)
      #expect(model.reachableBlobs.last == BlobName("norm1"))
    }
  }

  @Test func numbersBeginningInTheMiddleAreRead() throws {
    var fixture = Fixture(name: "CaffeNet", layers: [Fixture.conv1])
    for numbers in Fixture.Numbers.allCases {
      fixture.numbers = numbers
      let row = try open(fixture).network.withWeights("conv1", outputs: 5..<7) { span in
        span.indices.map { span[$0] }
      }
      #expect(row == Array(Fixture.conv1.weights!.values[5 * 363..<7 * 363]))
    }
  }

  @Test(arguments: [false, true])
  func theOrderOfTheLayersDecides(isV1: Bool) throws {
    let relu = Fixture.Layer(name: "relu1", type: "ReLU")
    let (pool, norm) = (Fixture.pooling("pool1"), Fixture.normalization("norm1"))
    var fixture = Fixture(name: "misleading CaffeNet", isV1: isV1)
    fixture.layers = [Fixture.conv1, relu, norm, pool]
    #expect(try open(fixture).architecture == .alexnet)
    #expect(try open(fixture).architectureSource == .layerOrder)
    fixture.layers = [Fixture.conv1, relu, pool, norm]
    #expect(try open(fixture).architecture == .caffenet)
    let other = try open(fixture, architecture: .alexnet)
    #expect(other.architecture == .alexnet && other.architectureSource == .given)
    #expect(other.warnings.count == 1 && other.warnings[0].contains("order of caffenet"))
    fixture.layers = [Fixture.conv1, relu, pool]
    guard case .wrongSetting("conv1", _, _, _, "Pooling")? = try error(fixture) else {
      Issue.record("pooling without normalization was accepted")
      return
    }
  }

  @Test func withoutAnySignCaffenetIsAssumedWithAWarning() throws {
    let model = try open(Fixture(name: "mine", layers: [Fixture.conv1]))
    #expect(model.architecture == .caffenet && model.architectureSource == .shapes)
    #expect(model.warnings.count == 1 && model.warnings[0].contains("assuming caffenet"))
  }

  @Test func settingsThatContradictAreRefused() throws {
    var fixture = Fixture(name: "CaffeNet")
    let relu = Fixture.Layer(name: "relu1", type: "ReLU")
    fixture.layers = [
      Fixture.conv1, relu, Fixture.pooling("pool1"), Fixture.normalization("norm1", alpha: 1),
    ]
    guard case .wrongSetting("norm1", _, "alpha", "0.0001", "1")? = try error(fixture) else {
      Issue.record("another alpha was accepted")
      return
    }
    fixture.layers = [
      Fixture.conv1, relu, Fixture.pooling("pool1", stride: 1), Fixture.normalization("norm1"),
    ]
    guard case .wrongSetting("pool1", _, "stride", "2", "1")? = try error(fixture) else {
      Issue.record("another stride was accepted")
      return
    }
    var conv1 = Fixture.conv1
    conv1.settings = (106, ProtobufEncoder.message { $0.packed(4, [11, 11]) })
    fixture.layers = [conv1]
    guard case .wrongSetting("conv1", _, "stride", "4", "1")? = try error(fixture) else {
      Issue.record("the default stride was accepted")
      return
    }
  }

  /// What a file says beyond its weights is never left aside on the way to an activation.
  @Test(arguments: [false, true])
  func layersThatWouldChangeTheResultAreRefused(isV1: Bool) throws {
    let relu = Fixture.Layer(name: "relu1", type: "ReLU")
    let (pool, norm) = (Fixture.pooling("pool1"), Fixture.normalization("norm1"))
    func refused(_ layers: [Fixture.Layer], _ layer: String, _ setting: String) throws {
      switch try error(Fixture(name: "CaffeNet", layers: layers, isV1: isV1)) {
      case .wrongSetting(layer, _, setting, _, _)?: break
      case let other: Issue.record("\(layers.map(\.type)): \(String(describing: other))")
      }
    }
    var leaky = relu
    leaky.settings = (123, ProtobufEncoder.message { $0.float(1, 0.1) })
    try refused([Fixture.conv1, leaky, pool, norm], "relu1", "negative slope")
    try refused([Fixture.conv1, pool, norm], "pool1", "in this place")
    try refused([Fixture.conv1, pool, relu, norm], "pool1", "in this place")
    for type in ["TanH", "Sigmoid", "Power"] {
      let other = Fixture.Layer(name: "act1", type: type)
      try refused([Fixture.conv1, other, pool, norm], "act1", "in this place")
      try refused([Fixture.conv1, relu, other, pool, norm], "act1", "in this place")
    }
    let unknown = Fixture.Layer(name: "bn1", type: "BatchNorm", biases: [1])
    if !isV1 { try refused([Fixture.conv1, unknown, relu, pool, norm], "bn1", "in this place") }
    var norm1 = norm
    norm1.settings = nil  // Caffe's defaults, an alpha of 1 among them
    try refused([Fixture.conv1, relu, pool, norm1], "norm1", "alpha")
    let drop = Fixture.Layer(name: "drop", type: "Dropout")
    let sound = [drop, Fixture.conv1, relu, drop, pool, norm]
    #expect(try error(Fixture(name: "CaffeNet", layers: sound, isV1: isV1)) == nil)
  }

  @Test(arguments: [false, true]) func anotherInputIsRefused(isV1: Bool) throws {
    var data = Fixture.Layer(name: "data", type: "Data")
    data.settings = (100, ProtobufEncoder.message { $0.float(1, 1 / 256) })
    let scaled = try error(Fixture(name: "CaffeNet", layers: [data, Fixture.conv1], isV1: isV1))
    guard case .wrongSetting("data", _, "transform_param scale", "1", "0.00390625")? = scaled else {
      Issue.record("\(String(describing: scaled))")
      return
    }
    data.settings = (100, ProtobufEncoder.message { $0.number(3, 227) })
    #expect(
      try error(Fixture(name: "CaffeNet", layers: [data, Fixture.conv1], isV1: isV1)) == nil)
    var fixture = Fixture(name: "CaffeNet", layers: [Fixture.conv1], isV1: isV1)
    fixture.inputDimensions = [1, 3, 224, 224]
    guard case .wrongSetting("data", _, _, "3×227×227", "3×224×224")? = try error(fixture) else {
      Issue.record("another input was accepted")
      return
    }
    fixture.inputDimensions = [10, 3, 227, 227]
    #expect(try error(fixture) == nil)
  }

  @Test func shapesAreComparedWithTheArchitecture() throws {
    var conv1 = Fixture.conv1
    conv1.weights = ([96, 3, 9, 9], [Float](repeating: 0, count: 96 * 243))
    guard
      case .wrongShape("conv1", "weights", let path, [96, 3, 11, 11], [96, 3, 9, 9])? =
        try error(Fixture(layers: [conv1]))
    else {
      Issue.record("9×9 filters were accepted")
      return
    }
    #expect(path.hasSuffix("net.caffemodel"))
    conv1 = Fixture.conv1
    conv1.biases = [1, 2, 3]
    guard case .wrongShape("conv1", "biases", _, [96], [3])? = try error(Fixture(layers: [conv1]))
    else {
      Issue.record("three biases were accepted")
      return
    }
    conv1.biases = nil
    guard
      case .missingBlob("conv1", _, ["weights", "biases"], 1)? = try error(Fixture(layers: [conv1]))
    else {
      Issue.record("missing biases were accepted")
      return
    }
    conv1 = Fixture.conv1
    conv1.weights!.values.removeLast()
    guard
      case .wrongCount("conv1", "weights", _, 34848, 34847)? = try error(Fixture(layers: [conv1]))
    else {
      Issue.record("a missing number was accepted")
      return
    }
    conv1.weights!.values.append(.nan)
    guard case .notFinite("conv1", "weights", _, 34847)? = try error(Fixture(layers: [conv1]))
    else {
      Issue.record("NaN was accepted")
      return
    }
  }

  @Test func layersMustNotBeMissingInBetween() throws {
    var conv3 = Fixture.conv1
    conv3.name = "conv3"
    guard
      case .missingLayer("conv2", _, ["conv1", "conv3"], _)? =
        try error(Fixture(layers: [Fixture.conv1, conv3]))
    else {
      Issue.record("conv3 without conv2 was accepted")
      return
    }
    guard case .missingLayer("conv1", _, [], _)? = try error(Fixture(name: "AlexNet")) else {
      Issue.record("a network without layers was accepted")
      return
    }
  }

  @Test func layersOfOtherNamesAreLeftAsideWithAWarning() throws {
    let other = Fixture.Layer(
      name: "fc8_flickr", type: "InnerProduct",
      weights: ([20, 3], [Float](repeating: 1, count: 60)),
      biases: [Float](repeating: 0, count: 20))
    let model = try open(Fixture(name: "CaffeNet", layers: [Fixture.conv1, other]))
    #expect(model.warnings.count == 1 && model.warnings[0].contains("fc8_flickr"))
  }

  /// A file of weights alone may say nothing of what is between them; what it says must be so.
  @Test(arguments: ["BatchNorm", "Scale", "PReLU"])
  func layersThatChangeActivationsAreNotLeftAside(type: String) throws {
    let other = Fixture.Layer(
      name: "other", type: type, weights: ([96], [Float](repeating: 1, count: 96)))
    guard
      case .wrongSetting("other", _, _, _, type)? =
        try error(Fixture(name: "CaffeNet", layers: [Fixture.conv1, other]))
    else {
      Issue.record("\(type) was left aside")
      return
    }
  }

  @Test func unreachableBlobsAreRefusedByName() throws {
    let model = try open(Fixture(name: "CaffeNet", layers: [Fixture.conv1]))
    try model.requireReachable(BlobName(parsing: "pool1"))
    let error = #expect(throws: ModelError.self) {
      try model.requireReachable(BlobName(parsing: "decaf6"))
    }
    #expect(error?.description.contains("no weights for layer 'fc6'") == true)
    #expect(error?.description.contains("pool1, norm1") == true)
  }

  /// Padding that was a layer of its own, and a setting that is not the network's.
  @Test func theOldestFormatIsCompared() throws {
    func bytes(padding: Int, stride: Int) -> [UInt8] {
      ProtobufEncoder.message { net in
        for (name, type) in [("data", "data"), ("pad1", "padding"), ("conv1", "conv")] {
          net.message(2) {
            $0.message(1) { layer in
              layer.text(1, name)
              layer.text(2, type)
              if type == "padding" { layer.number(7, padding) }
              guard type == "conv" else { return }
              for (field, value) in [(3, 96), (8, 11), (10, stride)] { layer.number(field, value) }
              layer.bytes(
                50, Fixture.blob(Fixture.conv1.weights!.shape, Fixture.conv1.weights!.values))
              layer.bytes(50, Fixture.blob([96], Fixture.conv1.biases!))
            }
          }
        }
      }
    }
    try withTemporaryFolder { folder in
      func open(padding: Int, stride: Int) throws -> Model {
        try Model.open(
          writeTestFile(bytes(padding: padding, stride: stride), "old.caffemodel", in: folder))
      }
      let model = try open(padding: 0, stride: 4)
      let same = try self.open(Fixture(name: "CaffeNet", layers: [Fixture.conv1]))
      #expect(model.weightsSHA256 == same.weightsSHA256)
      for (padding, stride, setting) in [(1, 4, "padding"), (0, 2, "stride")] {
        let error = #expect(throws: ModelError.self) { try open(padding: padding, stride: stride) }
        #expect(error?.description.contains("conv1: expected \(setting)") == true, "\(error!)")
      }
    }
  }
}
