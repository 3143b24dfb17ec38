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
    return [NPYWriter.archive(members, isCompressed: false)]
  }()

  static let foreignWeights = [
    weights("onnx", ONNXFormat.self) { [onnx] },
    weights("npz.weights", NumPyFormat.self) { npz },

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
