import Files
import Formats
import Tensors
import TestSupport
import Testing

@testable import ConvNet

/// The same numbers in every format that is read: one digest, and the same activations to the last bit.
@Suite struct OneNetworkManyFormatsTests {
  private static let network = """
    name: "small"
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 20, 20] } } }
    layer {
      name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
      convolution_param { num_output: 8 kernel_size: 3 stride: 2 pad: 1 }
    }
    layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
    layer {
      name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
      pooling_param { pool: MAX kernel_size: 3 stride: 3 }
    }
    layer {
      name: "norm1" type: "LRN" bottom: "pool1" top: "norm1"
      lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }
    }
    layer {
      name: "conv2" type: "Convolution" bottom: "norm1" top: "conv2"
      convolution_param { num_output: 6 kernel_size: 2 group: 2 }
    }
    layer {
      name: "fc6" type: "InnerProduct" bottom: "conv2" top: "fc6"
      inner_product_param { num_output: 5 }
    }
    layer { name: "relu6" type: "ReLU" bottom: "fc6" top: "fc6" }
    layer { name: "drop6" type: "Dropout" bottom: "fc6" top: "fc6" }
    layer {
      name: "fc7" type: "InnerProduct" bottom: "fc6" top: "fc7"
      inner_product_param { num_output: 4 }
    }
    layer { name: "prob" type: "Softmax" bottom: "fc7" top: "prob" }
    """

  /// Seeded weights, and biases that are whole numbers: MATLAB stores those as integers.
  static let model = Result {
    let architecture = try Architecture(parsing: Array(network.utf8), source: "small")
    let seeded = try Model.generate(architecture: architecture, seed: 5)
    var parameters = [String: LayerParameters]()
    for layer in seeded.definition.layers where layer.hasParameters {
      let biases = layer.biasShape[0]
      parameters[layer.name] = LayerParameters(
        weights: seeded.storedParameters(layer.name).weights,
        biases: StoredFloats((0..<biases).map { Float($0 % 3) }))
    }
    return try Model(architecture: architecture, parameters: parameters)
  }

  /// A layer's numbers by part.
  struct Numbers {
    let layer: NetworkDefinition.Layer
    let weights: [Float]
    let biases: [Float]

    var shape: [Int] { layer.weightShape! }
    /// Filters as wide as what an inner product reads.
    var filters: [Int] {
      let input = layer.inputShape
      return shape.count == 4 ? shape : [shape[0], input.channels, input.height, input.width]
    }

    /// The weights with their axes in another order.
    func turned(_ shape: [Int], _ axes: [Int]) -> [Float] {
      let sizes = axes.map { shape[$0] }
      let strides = StridedNumbers.rowMajor(shape)
      return (0..<weights.count).map { place in
        var (rest, index) = (place, 0)
        for axis in sizes.indices.reversed() {
          index += rest % sizes[axis] * strides[axes[axis]]
          rest /= sizes[axis]
        }
        return weights[index]
      }
    }
  }

  static func numbers() throws -> [Numbers] {
    let model = try model.get()
    return model.definition.layers.filter(\.hasParameters).map { layer in
      let (weights, biases) = model.parameters(layer.name)
      return Numbers(layer: layer, weights: weights, biases: biases)
    }
  }

  static let formats: [(name: String, bytes: @Sendable () throws -> [UInt8])] = [
    ("V0.caffemodel", { try firstFormat() }),
    ("V1.caffemodel", { try caffe(isV1: true) }),
    ("net.caffemodel", { try caffe(isV1: false) }),
    ("net.pth", { try torch(isLegacy: false) }),
    ("legacy.pth", { try torch(isLegacy: true) }),
    ("net.npz", { try archive(isCompressed: false) }),
    ("compressed.npz", { try archive(isCompressed: true) }),
    ("tensorflow.npy", { try tensorFlow() }),
    ("net.mat", { try MATWriter.file(matlab()) }),
    ("compressed.mat", { try MATWriter.file(matlab().map(MATWriter.compressed)) }),
    ("net.epoch90", { try cudaConvNet() }),
  ]

  @Test func digestsAndActivationsAreTheSame() throws {
    let model = try Self.model.get()
    let image = SlowKernels.random(model.definition.inputShape.count, seed: 3, in: -100...100)
    let expected = try Self.activations(of: model, image)
    try withTemporaryFolder { folder in
      var paths = try Self.formats.map { name, bytes in
        try writeTestFile(try bytes(), name, in: folder)
      }
      for ending in ["safetensors", "onnx", "caffemodel"] {
        try model.write(to: "\(folder)/written.\(ending)")
        paths.append("\(folder)/written.\(ending)")
      }
      for path in paths {
        let found = try Model.open(path, architecture: model.architecture)
        #expect(found.weightsSHA256 == model.weightsSHA256, "\(path)")
        #expect(try Self.activations(of: found, image) == expected, "\(path)")
      }
    }
  }

  private static func activations(of model: Model, _ image: [Float]) throws -> [[Float]] {
    let blobs = model.reachableBlobs
    let engine = try Engine(
      model: model, outputs: blobs, capacity: 1, team: ThreadTeam(threadCount: 1))
    engine.setInput(0, image)
    engine.run(count: 1)
    return blobs.indices.map { engine.row($0, image: 0) }
  }

  /// What a file says of its layers is compared, in every format that says it.
  @Test func otherSettingsAreRefused() throws {
    let architecture = try Self.model.get().architecture
    let others = try [
      ("net.mat", MATWriter.file(Self.matlab(stride: 1)), "conv1: expected stride 2, found 1"),
      ("net.mat", MATWriter.file(Self.matlab(alpha: 1e-3)), "norm1: expected alpha"),
      ("net.mat", MATWriter.file(Self.matlab(far: 0)), "pool1: expected rounding"),
      ("net.epoch90", Self.cudaConvNet(stride: 1), "conv1: expected stride 2, found 1"),
      ("net.epoch90", Self.cudaConvNet(scale: 1e-4), "norm1: expected alpha"),
      ("net.caffemodel", Self.firstFormat(stride: 1), "conv1: expected stride 2, found 1"),
    ]
    try withTemporaryFolder { folder in
      for (name, bytes, words) in others {
        let path = try writeTestFile(bytes, name, in: folder)
        let error = #expect(throws: ModelError.self) {
          try Model.open(path, architecture: architecture)
        }
        #expect(error?.description.contains(words) == true, "\(name): \(String(describing: error))")
      }
    }
  }

  @Test func transformsOfFormatsThatHaveTheirOwn() throws {
    try withTemporaryFolder { folder in
      for (name, bytes, transform) in [
        ("a.mat", try MATWriter.file(Self.matlab()), "matconvnet"),
        ("a.epoch90", try Self.cudaConvNet(), "decaf-release"),
      ] {
        let path = try writeTestFile(bytes, name, in: folder)
        let model = try Model.open(path, architecture: Self.model.get().architecture)
        #expect(model.preprocess == transform)
      }
    }
  }

  /// `normalization` in the versions of MatConvNet, and what of it another transform replaces.
  @Test func matConvNetDescribesItsTransform() throws {
    func few(_ numbers: Double...) -> [UInt8] {
      MATWriter.doubles("", shape: [1, numbers.count], numbers)
    }
    func transform(_ fields: [(String, [UInt8])]) throws -> (InputTransform?, [String]) {
      try withTemporaryFolder { folder in
        let size: [(String, [UInt8])] = [("imageSize", few(20, 20, 3))]
        let path = try writeTestFile(
          try MATWriter.file(Self.matlab(normalization: size + fields)), "a.mat", in: folder)
        let model = try Model.open(path, architecture: Self.model.get().architecture)
        let own = try model.ownTransform()
        // What is converted says the same.
        try model.write(to: "\(folder)/b.safetensors")
        #expect(try Model.open("\(folder)/b.safetensors").ownTransform() == own)
        return (own, model.warnings)
      }
    }
    let means: (String, [UInt8]) = ("averageImage", few(122, 116, 104))
    let (plain, none) = try transform([("border", few(4, 4)), means])
    #expect(none.isEmpty)
    #expect(plain?.resize.mode == .shortSide && plain?.resize.width == 24 && plain?.crop == 20)
    #expect(plain?.resize.antialias == true && plain?.resize.longSide == .up)
    #expect(plain?.mean == [122, 116, 104] && plain?.channels == .rgb)
    let (later, _) = try transform([("cropSize", few(0.8)), ("keepAspect", few(0)), means])
    #expect(later?.resize.mode == .warp && later?.resize.width == 25)
    let (bicubic, said) = try transform([("interpolation", MATWriter.text("", "bicubic")), means])
    #expect(bicubic?.resize.filter == .bilinear)
    #expect(said.count == 1 && said[0].contains("interpolation is bicubic"))
    let (preset, missing) = try transform([])
    #expect(preset?.name == "matconvnet")
    #expect(missing.count == 1 && missing[0].contains("ImageNet's means"))
  }
}
