import FeatureStore
import Files
import Foundation
import Images
import Tensors
import TestSupport
import Testing

@testable import Formats
@testable import Interchange

@Suite struct StoreExportTests {
  /// Four rows: labelled, failed, unlabelled, labelled with what needs quotes and escapes.
  private static func withStore(_ body: (Store, String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let labels: [ByteString?] = [
        ByteString("b"), ByteString("b"), nil, ByteString("a,\t\"x\""),
      ]
      let values: [Float] = [0, 0.1, .nan, .nan, 3, 4, -1e-8, 0]
      try body(try StoreImportTests.store(folder, values, labels: labels), folder)
    }
  }

  private static func export(
    _ store: Store, _ format: any ExportFormat.Type, _ path: String, threads: Int = 1
  ) throws -> (StoreExport, [UInt8]) {
    let export = try StoreExport(store, layer: "fc6", format: format)
    _ = try export.write(to: path, team: ThreadTeam(threadCount: threads))
    return (export, [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))))
  }

  @Test func svmlightHoldsLabelledRowsWithoutZeros() throws {
    try Self.withStore { store, folder in
      let (export, bytes) = try Self.export(store, SVMLightExport.self, "\(folder)/x.svm")
      #expect(String(decoding: bytes, as: UTF8.self) == "2 2:0.1\n1 1:-1e-08\n")
      #expect(export.failedCount == 1 && export.unlabelledCount == 1)
      let names = try String(contentsOfFile: "\(folder)/x.svm.classes.tsv", encoding: .utf8)
      #expect(names == "number\tclass\n1\ta,\\t\"x\"\n2\tb\n")
      let back = try FeatureFile("\(folder)/x.svm")
      #expect(values(back) == [0, 0.1, -1e-8, 0])
    }
  }

  @Test func csvQuotesWhatItMust() throws {
    try Self.withStore { store, folder in
      let (_, bytes) = try Self.export(store, CSVExport.self, "\(folder)/x.csv")
      let lines = [
        "row,path,label,f0,f1", "0,a.npy#0,b,0.0,0.1", "2,a.npy#2,,3.0,4.0",
        "3,a.npy#3,\"a,\t\"\"x\"\"\",-1e-08,0.0", "",
      ]
      #expect(String(decoding: bytes, as: UTF8.self) == lines.joined(separator: "\n"))
    }
  }

  @Test(arguments: [MATExport.self, NPZExport.self] as [any ExportFormat.Type])
  func archivesReadBack(format: any ExportFormat.Type) throws {
    try Self.withStore { store, folder in
      let path = "\(folder)/x.\(format.name)"
      let (export, bytes) = try Self.export(store, format, path)
      #expect(export.paths(path) == [path])
      let file = try FeatureFile(path, variable: "features")
      #expect(file.rowCount == 3 && values(file) == [0, 0.1, 3, 4, -1e-8, 0])
      let other = try Self.export(store, format, "\(folder)/y.\(format.name)", threads: 3)
      #expect(other.1 == bytes)
    }
  }

  @Test func safetensorsReadBack() throws {
    try Self.withStore { store, folder in
      _ = try Self.export(store, SafetensorsExport.self, "\(folder)/x.safetensors")
      let file = try SafetensorsFile("\(folder)/x.safetensors")
      #expect(file.tensors.map(\.name).sorted() == ["features", "labels", "rows"])
      let features = try #require(file.tensor(named: "features"))
      #expect(features.shape == [3, 2])
      #expect(file.metadata["classes"] == #"["a,\t\"x\"","b"]"#)
      #expect(file.metadata["layer"] == "fc6")
    }
  }

  /// A format whose files hold two values.
  private struct Small: ExportFormat {
    static let name = "small"
    static let summary = ""
    static let capacity = (valueBytes: 8, rows: 9)
    let rows: ExportedRows
    init(_ rows: ExportedRows) { self.rows = rows }
    func append(_ row: Int, _ values: [Float], to bytes: inout [UInt8]) {
      bytes.append(UInt8(row))
    }
  }

  @Test func whatDoesNotFitGoesIntoFurtherFiles() throws {
    try Self.withStore { store, folder in
      let export = try StoreExport(store, layer: "fc6", format: Small.self)
      _ = try export.write(to: "\(folder)/x.s", team: ThreadTeam(threadCount: 2))
      let paths = (0..<3).map { "\(folder)/x-0000\($0)-of-00003.s" }
      #expect(export.paths("\(folder)/x.s") == paths)
      let bytes = try paths.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
      #expect(bytes == [[0], [2], [3]].map { Data($0) })
    }
  }

  @Test func numPyArraysReadBack() throws {
    try Self.withStore { store, folder in
      let (_, bytes) = try Self.export(store, NPYExport.self, "\(folder)/x.npy")
      let file = try FeatureFile("\(folder)/x.npy")
      #expect(file.rowCount == 3 && values(file) == [0, 0.1, 3, 4, -1e-8, 0])
      #expect(bytes.count % 64 == 24)
      let labels = try String(contentsOfFile: "\(folder)/x.npy.labels.txt", encoding: .utf8)
      #expect(labels == "b\n\na,\\t\"x\"\n")
    }
  }

  @Test func numericClassesKeepTheirNumbers() throws {
    try withTemporaryFolder { folder in
      let values = (0..<1000).map(Float.init)
      let labels = (0..<500).map { ByteString("\(-($0 % 3))") }
      let store = try StoreImportTests.store(folder, values, labels: labels)
      let (_, one) = try Self.export(store, SVMLightExport.self, "\(folder)/x.svm")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/x.svm.classes.tsv"))
      #expect(String(decoding: one, as: UTF8.self).hasPrefix("0 2:1.0\n-1 1:2.0 2:3.0\n-2 "))
      #expect(try Self.export(store, SVMLightExport.self, "\(folder)/y.svm", threads: 3).1 == one)
    }
  }

  @Test func nothingToWriteIsAnError() throws {
    try withTemporaryFolder { folder in
      let store = try StoreImportTests.store(folder, [.nan, .nan, 1, 2])
      #expect(
        throws: InterchangeError.noRows(path: store.path, failed: 1, unlabelled: 1)
      ) { try StoreExport(store, layer: "fc6", format: SVMLightExport.self) }
      #expect(throws: StoreError.self) {
        try StoreExport(store, layer: "fc7", format: CSVExport.self)
      }
    }
  }

  @Test func classesThatReadersTakeForOneAreNumbered() throws {
    try withTemporaryFolder { folder in
      for labels in [["1", "01"], ["+1", "1"], ["-0", "0"], ["1", "4294967297"]] {
        let store = try StoreImportTests.store(
          folder, [1, 2, 3, 4], labels: labels.map { ByteString($0) })
        let (_, bytes) = try Self.export(store, SVMLightExport.self, "\(folder)/x.svm")
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        #expect(Set(lines.map { $0.prefix(2) }) == ["1 ", "2 "])
        #expect(FileManager.default.fileExists(atPath: "\(folder)/x.svm.classes.tsv"))
        try FileManager.default.removeItem(atPath: "\(folder)/x.svm.classes.tsv")
      }
    }
  }

  @Test func exportedTableComesBack() throws {
    try Self.withStore { store, folder in
      _ = try Self.export(store, CSVExport.self, "\(folder)/x.csv")
      let file = try FeatureFile("\(folder)/x.csv")
      #expect(values(file) == [0, 0.1, 3, 4, -1e-8, 0])
      #expect(file.ownLabels == ["b", nil, "a,\t\"x\""])
      #expect(file.ownPaths == ["a.npy#0", "a.npy#2", "a.npy#3"])
    }
  }
}
