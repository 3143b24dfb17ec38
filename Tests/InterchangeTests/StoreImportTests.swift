import FeatureStore
import Files
import Formats
import Foundation
import Images
import Tensors
import TestSupport
import Testing

@testable import Interchange

@Suite struct StoreImportTests {
  static func store(
    _ folder: String, _ values: [Float], labels: [ByteString?]? = nil,
    dtype: ElementType = .float32, origin: String = ""
  ) throws -> Store {
    let path = "\(folder)/a.npy"
    let bytes = NPYWriter.array("<f4", "\(values.count / 2), 2", NPYWriter.floats(values))
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let job = StoreImport(
      try FeatureFile(path), layer: LayerSpec(name: "fc6", fileStem: "fc6", shape: [2]),
      origin: origin, dtype: dtype, labels: labels, paths: nil)
    _ = try job.write(to: "\(folder)/store", overwrite: true)
    return try Store("\(folder)/store")
  }

  @Test func storeHoldsTheRowsAndSaysWhereTheyCameFrom() throws {
    try withTemporaryFolder { folder in
      let labels = [ByteString("10"), nil, ByteString("9")]
      let store = try Self.store(folder, [1, 2, .nan, .nan, 0.5, 6], labels: labels, origin: "me")
      #expect(store.classes == [ByteString("9"), ByteString("10")])
      #expect((0..<3).map(store.labelIndex) == [1, nil, 0])
      #expect((0..<3).map(store.status) == [.ok, .failed, .ok])
      let row = store.rows[2]
      #expect(row.path == ByteString("a.npy#2") && row.label == ByteString("9"))
      #expect(try store.layer(named: "fc6").floats(2..<3) == [0.5, 6])
      let imported = try #require(store.provenance.imported)
      #expect(imported.format == "npy" && imported.variable == nil)
      let digest = try FeatureFile("\(folder)/a.npy").sha256
      #expect(imported.sha256 == digest.hexadecimal)
      #expect(try StoreAudit(store.path, team: ThreadTeam(threadCount: 1)).isSound)
    }
  }

  @Test func overflowsOfFloat16AreCounted() throws {
    try withTemporaryFolder { folder in
      let store = try Self.store(folder, [1, 2, 1e6, 4], dtype: .float16)
      #expect(store.manifest.overflowCount == 1)
      #expect(try store.layer(named: "fc6").floats(1..<2) == [.infinity, 4])
    }
  }

  @Test func partlyMissingRowsAreRefusedAndLeaveNoStore() throws {
    for (values, row, column, text) in [
      ([1, 2, .nan, 4], 1, 0, "nan"), ([1, .infinity, 1, 1], 0, 1, "inf"),
    ] as [([Float], Int, Int, String)] {
      try withTemporaryFolder { folder in
        #expect(
          throws: InterchangeError.notFinite(
            path: "\(folder)/a.npy", row: row, column: column, value: text)
        ) { try Self.store(folder, values) }
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/store"))
      }
    }
  }

  @Test func labelsComeFromFiles() throws {
    try withTemporaryFolder { folder in
      func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        return "\(folder)/\(name)"
      }
      let path = try write(
        "a.npy", NPYWriter.array("<f4", "2, 2", NPYWriter.floats([1, 2, 3, 4])))
      let file = try FeatureFile(path)
      let text = try write("l.txt", Array("\u{feff}a b\r\n\n".utf8))
      #expect(try file.labels(text) == [ByteString("a b"), nil])
      let array = try write("l.npy", NPYWriter.array("<i4", "2,", [1, 0, 0, 0, 2, 0, 0, 0]))
      #expect(try file.labels(array) == [ByteString("1"), ByteString("2")])
      let archive = try write("l.npz", NPYWriter.archive(NumPyTests.archive, isCompressed: true))
      #expect(try file.labels("\(archive):y") == [ByteString("-3"), ByteString("9")])
      #expect(throws: InterchangeError.self) { try file.labels(archive) }
      #expect(throws: InterchangeError.self) { try file.labels("\(archive):q") }
      let long = try write("long.txt", Array("1\n2\n3\n".utf8))
      #expect(throws: InterchangeError.labelCount(path: long, labels: 3, rows: 2)) {
        try file.labels(long)
      }
      // As many labels as columns: a sample is a column.
      let wide = try FeatureFile(
        write("w.npy", NPYWriter.array("<f4", "2, 3", NPYWriter.floats([1, 2, 3, 4, 5, 6]))))
      let error = #expect(throws: InterchangeError.self) { try wide.labels(long) }
      #expect(error?.description.contains("3 columns") == true, "\(String(describing: error))")
      #expect(error?.description.contains("transpose") == true)
      let halves = try write("h.npy", NPYWriter.array("<f2", "2,", [0, 0x3c, 0, 0x38]))
      #expect(throws: InterchangeError.notALabel(path: halves, position: 1, found: "0.5")) {
        try file.labels(halves)
      }
      #expect(throws: InterchangeError.format(.unreadable(.missing("\(folder)/none")))) {
        try file.labels("\(folder)/none")
      }
    }
  }
}
