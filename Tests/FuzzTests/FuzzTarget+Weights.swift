import Files
import Formats
import TestSupport

@testable import Classification
@testable import ConvNet

extension FuzzTarget {
  private static func caffeModel(isV1: Bool, _ shape: CaffeModelFixture.Shape) -> [UInt8] {
    var fixture = CaffeModelFixture(name: "CaffeNet", isV1: isV1, numbers: .packed, shape: shape)
    // Small numbers of a layer that no network has: a whole conv1 would be all that damage hits.
    fixture.layers = [
      .init(
        name: "conv1", type: "Convolution", weights: ([2, 3, 2, 2], (0..<24).map(Float.init)),
        biases: [1, 2]),
      CaffeModelFixture.pooling("pool1"), CaffeModelFixture.normalization("norm1"),
    ]
    return fixture.bytes
  }

  static let weights = [
    FuzzTarget(
      "safetensors",
      FuzzSeeds { folder in
        let path = "\(folder)/seed.safetensors"
        try SafetensorsWriter.write(
          path, metadata: ["format": "pt", "é": "x"],
          tensors: [("a.weight", [2, 3], [1, 2, 3, 4, 5, 6]), ("b", [], [7]), ("c", [0, 4], [])])
        return [try readTestFile(path)]
      }
    ) { bytes, folder in
      let path = try writeTestFile(bytes, "a.safetensors", in: folder)
      let file = try SafetensorsFile(path)
      for tensor in file.tensors { _ = try? file.floats(tensor.name) }
      for tensor in file.tensors { _ = try? file.doubles(tensor.name) }
      _ = file.contentDigest(without: "é")
    },
    FuzzTarget(
      "caffemodel",
      FuzzSeeds { _ in
        [
          caffeModel(isV1: false, .packed), caffeModel(isV1: false, .none),
          caffeModel(isV1: true, .legacy), caffeModel(isV1: true, .single),
        ]
      }
    ) { bytes, folder in
      // No network has such a conv1: reading it ends in an error, after everything is read.
      do { _ = try Model.open(writeTestFile(bytes, "net.caffemodel", in: folder)) } catch {
        if "\(error)".isEmpty { throw error }
      }
    },
  ]
}
