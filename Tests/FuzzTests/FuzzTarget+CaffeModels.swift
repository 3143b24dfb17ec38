import Files
import Tensors
import TestSupport

@testable import ConvNet

/// `.caffemodel`: what the reader takes in, down to the last number, and what opening makes of it.
extension FuzzTarget {
  private typealias Layer = CaffeModelFixture.Layer

  /// Small numbers: a whole conv1 would be all that damage hits.
  private static let smallConv1 = Layer(
    name: "conv1", type: "Convolution", weights: ([2, 3, 2, 2], (0..<24).map(Float.init)),
    biases: [1, 2])

  private static let behind = [
    Layer(name: "relu1", type: "ReLU"), CaffeModelFixture.pooling("pool1"),
    CaffeModelFixture.normalization("norm1"),
  ]

  /// A layer that reads images: a scale and a crop that change nothing.
  private static let data = Layer(
    name: "data", type: "Data",
    settings: (
      100,
      ProtobufEncoder.message {
        $0.float(1, 1)
        $0.number(3, 227)
      }
    ))

  /// A layer of another task, which is left aside.
  private static let other = Layer(
    name: "fc8_flickr", type: "InnerProduct", weights: ([4, 3], (0..<12).map { Float($0) / 8 }),
    biases: [0, 1, 2, 3], settings: (117, ProtobufEncoder.message { $0.number(1, 4) }))

  /// conv1 with the sizes of its filters in packed form, as newer writers have them.
  private static let conv1WithSettings: Layer = {
    var layer = smallConv1
    layer.settings = (
      106,
      ProtobufEncoder.message {
        $0.number(1, 96)
        $0.packed(4, [11])
        $0.packed(6, [4])
      }
    )
    return layer
  }()

  /// Both generations of layers, all forms of numbers and of shapes.
  private static func forms(_ layers: [Layer]) -> [[UInt8]] {
    [false, true].flatMap { isV1 in
      CaffeModelFixture.Numbers.allCases.flatMap { numbers in
        CaffeModelFixture.Shape.allCases.map { shape in
          var fixture = CaffeModelFixture(
            name: "CaffeNet", layers: layers, isV1: isV1, numbers: numbers, shape: shape)
          if shape == .packed { fixture.inputDimensions = [1, 3, 227, 227] }
          return fixture.bytes
        }
      }
    }
  }

  /// A whole conv1, which stands before what is damaged: the rest is then a network that opens.
  private static let wholeConv1 = Array(
    CaffeModelFixture(layers: [CaffeModelFixture.conv1], numbers: .packed, shape: .packed)
      .bytes.dropFirst(2))  // its own name, which is empty

  static let caffeModels = [
    FuzzTarget(
      "caffemodel",
      FuzzSeeds { _ in
        forms([smallConv1] + behind) + forms([data, smallConv1, other])
          + [CaffeModelFixture(name: "x", layers: [conv1WithSettings] + behind + [other]).bytes]
      }
    ) { bytes, folder in
      let file = try MappedFile(try writeTestFile(bytes, "net.caffemodel", in: folder))
      let format = try CaffeModelFormat(file)
      for blob in format.contents.layers.flatMap(\.blobs) {
        _ = (blob.shape, blob.floats.floats())
        if blob.floats.count > 2 { _ = blob.floats.floats(1..<blob.floats.count - 1) }
      }
      _ = format.contents.architecture(
        given: nil, fitting: try format.contents.fittingArchitecture())
      _ = try format.layerOrder()
      try format.check(against: definition.get(), of: .caffenet)
    },
    FuzzTarget(
      "caffemodel.open",
      FuzzSeeds { _ in forms(behind + [other]) + forms([other]) }
    ) { bytes, folder in
      let path = try writeTestFile(wholeConv1 + bytes, "net.caffemodel", in: folder)
      let model = try Model.open(path)
      _ = (model.warnings, model.reachableBlobs, model.parameters("conv1"))
    },
  ]

  private static let definition = Result {
    try Model.generate(architecture: .caffenet, seed: 1, through: "conv1").definition
  }
}
