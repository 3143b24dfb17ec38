import Files
import Formats
import Tensors
import TestSupport

@testable import ConvNet

/// Weights of other programs: what the readers take in, down to the last number.
extension FuzzTarget {
  private static let torchTensors = [
    TorchWriter.Tensor("features.0.weight", [4, 3, 2, 2], (0..<48).map(Float.init)),
    TorchWriter.Tensor("features.0.bias", [4], [1, 2, 3, 4]),
    TorchWriter.Tensor("features.3.bias", [0], []),
  ]

  private static func torch(isLegacy: Bool) -> [[UInt8]] {
    var writer = TorchWriter(torchTensors)
    writer.isLegacy = isLegacy
    var turned = writer
    turned.tensors[0].strides = [1, 4, 24, 12]
    turned.storage = .double
    turned.wrap = { .dictionary([("epoch", .integer(300)), ("state_dict", .build($0, .none))]) }
    return [writer.bytes, turned.bytes]
  }

  private static let torchObject = PickleObject.dictionary([
    ("a", .list([.integer(70_000), .bool(true), .none, .bytes([1, 2, 3])])),
    ("b", .call(.global("collections", "OrderedDict"), [.list([.tuple([.text("k"), .none])])])),
    ("c", .build(.tuple([.integer(1)]), .persistent(.text("x")))),
  ])

  /// Reads the numbers, as long as a network's shapes could ask for them: a small file may describe one
  /// number as a row of any length.
  private static func readAll(_ contents: ModelFile) throws {
    for blob in contents.layers.flatMap(\.blobs) where blob.floats.count < 1 << 16 {
      _ = (blob.shape, blob.floats.floats())
      if blob.floats.count > 2 { _ = blob.floats.floats(1..<blob.floats.count - 1) }
    }
    _ = contents.architecture(given: nil, fitting: try contents.fittingArchitecture())
  }

  private static func weights<Format: WeightFormat>(
    _ name: String, _ format: Format.Type, _ seeds: @escaping @Sendable () -> [[UInt8]]
  ) -> FuzzTarget {
    FuzzTarget(name, FuzzSeeds { _ in seeds() }) { bytes, folder in
      let path = try writeTestFile(bytes, "net.weights", in: folder)
      _ = try? Model.open(path)
      try readAll(try Format(try MappedFile(path)).contents)
    }
  }

  /// A convolution and what follows it, with tensors of all forms.
  private static let onnx = ProtobufEncoder.message { file in
    file.number(1, 8)
    file.message(7) { graph in
      for (i, type) in ["Conv", "Relu", "LRN", "MaxPool", "Flatten", "Gemm"].enumerated() {
        graph.message(1) { node in
          node.text(1, "\(i)")
          if ["Conv", "Gemm"].contains(type) {
            for part in ["w", "b"] { node.text(1, type + part) }
          }
          node.text(2, "\(i + 1)")
          node.text(4, type)
          node.message(5) {
            $0.text(1, "strides")
            $0.number(8, 4)
            $0.packed(8, [4])
          }
          node.message(5) {
            $0.text(1, "alpha")
            $0.float(2, 1e-4)
            $0.number(3, 1)
          }
        }
      }
      for (name, shape) in [
        ("Convw", [4, 3, 2, 2]), ("Convb", [4]), ("Gemmw", [2, 4]), ("Gemmb", [2]),
      ] {
        graph.message(5) { tensor in
          for size in shape { tensor.number(1, size) }
          tensor.number(2, 1)
          let floats = (0..<shape.reduce(1, *)).map(Float.init)
          tensor.text(8, name)
          if shape.count > 1 {
            tensor.bytes(9, NPYWriter.floats(floats))
          } else {
            tensor.packed(4, floats)
          }
        }
      }
    }
  }

  private static let npz: [[UInt8]] = {
    let members: [(name: String, data: [UInt8])] = [
      (
        "conv1_W.npy",
        NPYWriter.array("<f4", "2, 2, 3, 4", NPYWriter.floats((0..<48).map(Float.init)))
      ),
      ("conv1_b.npy", NPYWriter.array("<f4", "4,", NPYWriter.floats([1, 2, 3, 4]))),
    ]
    return [false, true].map { NPYWriter.archive(members, isCompressed: $0) }
  }()

  /// A convolution, a pooling and a normalization of MatConvNet's.
  private static let mat: [[UInt8]] = {
    func few(_ values: Double...) -> [UInt8] {
      MATWriter.doubles("", shape: [1, values.count], values)
    }
    func layer(_ type: String, _ fields: [(String, [UInt8])]) -> [UInt8] {
      MATWriter.structure(
        "", [("type", MATWriter.text("", type)), ("name", MATWriter.text("", type + "1"))] + fields)
    }
    let filters = MATWriter.floats("", shape: [2, 2, 3, 4], (0..<48).map(Float.init))
    let biases = MATWriter.matrix("", shape: [1, 4], kind: 7, stored: 2, [1, 2, 3, 4])
    let layers = MATWriter.cellArray(
      "layers",
      [
        layer("conv", [("weights", MATWriter.cellArray("", [filters, biases])), ("pad", few(0))]),
        layer("pool", [("pool", few(3, 3)), ("stride", few(2)), ("pad", few(0, 1, 0, 1))]),
        layer("normalize", [("param", few(5, 1, 2e-5, 0.75))]),
      ])
    return [MATWriter.file([layers]), MATWriter.file([MATWriter.compressed(layers)])]
  }()

  /// cuda-convnet's layers, as DeCAF's release pickled them.
  private static let cudaConvNet = PickleObject.list([
    .dictionary([
      ("name", .text("conv1")), ("type", .text("conv")), ("filters", .integer(4)),
      ("filterSize", .list([.integer(2)])), ("channels", .list([.integer(3)])),
      ("padding", .list([.integer(0)])), ("groups", .list([.integer(1)])),
      ("weights", .list([.array([12, 4], (0..<48).map(Float.init))])),
      ("biases", .buffer([4, 1], [1, 2, 3, 4])),
    ]),
    .dictionary([
      ("name", .text("rnorm1")), ("type", .text("cmrnorm")), ("size", .integer(5)),
      ("scale", .float(2e-5)), ("pow", .float(0.75)),
    ]),
  ]).pickle

  /// Caffe's first format: padding and a convolution.
  private static let firstCaffe = ProtobufEncoder.message { net in
    for (name, type) in [("pad1", "padding"), ("conv1", "conv")] {
      net.message(2) {
        $0.message(1) { layer in
          layer.text(1, name)
          layer.text(2, type)
          for (field, value) in [(7, 1), (8, 2), (10, 1)] { layer.number(field, value) }
          layer.bytes(50, CaffeModelFixture.blob([4, 3, 2, 2], (0..<48).map(Float.init)))
        }
      }
    }
  }

  private static let meanImages: [[UInt8]] = [
    CaffeModelFixture.blob([1, 3, 2, 2], (0..<12).map(Float.init)),
    PickleObject.dictionary([("data_mean", .array([12], (0..<12).map(Float.init)))]).pickle,
    NPYWriter.array("<f4", "3, 2, 2", NPYWriter.floats((0..<12).map(Float.init))),
  ]

  static let foreignWeights = [
    weights("onnx", ONNXFormat.self) { [onnx] },
    weights("npz.weights", NumPyFormat.self) { npz },
    weights("mat.weights", MatConvNetFormat.self) { mat },
    weights("epoch90", CudaConvNetFormat.self) { [cudaConvNet] },
    weights("v0.caffemodel", CaffeModelFormat.self) { [firstCaffe] },

    FuzzTarget("mean-image", FuzzSeeds { _ in meanImages }) { bytes, folder in
      _ = try MeanImageFile(contentsOf: writeTestFile(bytes, "mean", in: folder))
    },

    FuzzTarget("pickle", FuzzSeeds { _ in [torchObject.pickle] }) { bytes, _ in
      let pickle = try PickleReader.read(
        ByteSource(bytes), allowed: ["collections.OrderedDict"], path: "a.pkl")
      for i in pickle.nodes.indices {
        _ = (pickle.entries(.node(i)), pickle.integers(.node(i)), pickle.call(.node(i)))
      }
    },
    weights("pth", PyTorchFormat.self) { torch(isLegacy: false) },
    weights("pth.legacy", PyTorchFormat.self) { torch(isLegacy: true) },
  ]
}
