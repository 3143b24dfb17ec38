import FeatureStore
import Files
import Formats
import Tensors
import TestSupport

@testable import Interchange

extension FuzzTarget {
  /// Reads features as `decaf import` does, up to the writing of the store.
  private static func features(
    _ name: String, _ seeds: @escaping @Sendable () -> [[UInt8]]
  ) -> FuzzTarget {
    FuzzTarget("import.\(name)", FuzzSeeds { _ in seeds() }) { bytes, folder in
      let path = try writeTestFile(bytes, "features.\(name)", in: folder)
      // As a file of labels first: that must not depend on the features.
      let other = try writeTestFile(Array("1 1:1\n".utf8), "one.svm", in: folder)
      _ = try? FeatureFile(other).labels(path)
      let file = try FeatureFile(path)
      let job = StoreImport(
        file, layer: LayerSpec(name: "f", fileStem: "f", shape: [file.width]), origin: "",
        dtype: .float16, labels: file.ownLabels, paths: file.ownPaths)
      _ = (job.provenance.fingerprint, job.classes)
      var values: [Float] = []
      // All of a small matrix; of one that wide rows make large, a row.
      let rowCount = file.width > 1 << 16 ? 1 : file.rowCount
      for row in 0..<rowCount {
        values.removeAll(keepingCapacity: true)
        file.append(row..<row + 1, to: &values)
      }
    }
  }

  private static let floats: [Float] = (0..<30).map { Float($0) / 7 - 2 }

  static let numbers = [
    features("npy") {
      [
        NPYWriter.array("<f4", "6, 5", NPYWriter.floats(floats)),
        NPYWriter.array("<f4", "5, 3, 2, 1", isColumnMajor: true, NPYWriter.floats(floats)),
        NPYWriter.array("|u1", "2, 4", (0..<8).map { UInt8($0) }),
        NPYHeader(elementType: .float16, shape: [3, 2]).bytes + [UInt8](repeating: 1, count: 12),
      ]
    },
    FuzzTarget(
      "npy-array",
      FuzzSeeds { _ in
        [
          NPYWriter.array("<U3", "4,", [UInt8](repeating: 65, count: 48)),
          NPYWriter.array("|S2", "3,", Array("abcdef".utf8)),
          NPYWriter.array("<i8", "2, 2", [UInt8](repeating: 7, count: 32)),
          NPYWriter.array("<f4", "0, 5", []),
        ]
      }
    ) { bytes, _ in
      let variable = try NPYArray.variable(ByteSource(bytes), name: "a", path: "a.npy")
      guard let array = variable.numbers else { return }
      _ = (array.numbers, array.isVector, array.width, variable.description)
    },
    features("npz") {
      let members: [(name: String, data: [UInt8])] = [
        ("x.npy", NPYWriter.array("<f4", "6, 5", NPYWriter.floats(floats))),
        ("y.npy", NPYWriter.array("<i4", "6,", [UInt8](repeating: 1, count: 24))),
      ]
      return [
        NPYWriter.archive(members, isCompressed: false),
        NPYWriter.archive(members, isCompressed: true),
        NPYWriter.archive(members, isCompressed: true, isLarge: true),
      ]
    },
    features("mat") {
      let x = MATWriter.doubles("x", shape: [4, 3], (0..<12).map { Double($0) })
      let labels = MATWriter.matrix(
        "l", shape: [4, 3], kind: 4, stored: 16, Array("cdcdaoaotgtg".utf8))
      return [
        MATWriter.file([x, MATWriter.cells("y", ["a", "bc", "d", "é"])]),
        MATWriter.file([MATWriter.compressed(x)]), MATWriter.file([labels, x]),
      ]
    },
    features("svm") {
      ["+1 1:0.5 3:-2e-3 # first\r\n\ncat qid:7 2:1\n-1\n", "1 1:1 2:0\n01 1:2 2:1\n+1 1:0 2:3\n"]
        .map { Array($0.utf8) }
    },
    features("csv") {
      [
        "row,path,label,f0,f1\n0,a.jpg,cat,1.5,-2\n1,\"b,c.jpg\",\"d\"\"g\",0,1e-3\n", "1,2\n3,4\n",
      ].map { Array($0.utf8) }
    },
  ]
}
