import Files
import Formats
import TestSupport

@testable import Classification

extension FuzzTarget {
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
    }
  ]
}
