import Files
import Formats
import Images
import Tensors
import TestSupport
import Testing

@testable import Interchange

@Suite struct MATFileTests {
  /// 3×2 in MATLAB's order: column by column.
  static let features = MATWriter.doubles("feas", shape: [3, 2], [1, 2, 3, 0.1, -5, 6])
  static let labels = MATWriter.matrix("labels", shape: [3, 1], stored: 2, [7, 8, 7])

  @Test(arguments: [false, true])
  func matrixIsReadByRows(isCompressed: Bool) throws {
    let elements = [Self.features, Self.labels]
    let bytes = MATWriter.file(isCompressed ? elements.map(MATWriter.compressed) : elements)
    try withFile("a.mat", bytes) { path throws in
      let file = try FeatureFile(path)
      #expect(file.format == .mat && file.variable == "feas")
      #expect(file.rowCount == 3 && file.width == 2)
      #expect(values(file) == [1, 0.1, 2, -5, 3, 6])
      var part: [Float] = []
      file.append(1..<3, to: &part)
      #expect(part == [2, -5, 3, 6])
      #expect(try file.labels("labels") == ["7", "8", "7"].map { ByteString($0) })
    }
  }

  /// MATLAB stores numbers of any class in the smallest type that holds them.
  @Test(
    arguments: [
      (1, [0xff, 2], [-1, 2]), (2, [0xff, 2], [255, 2]), (3, [0xff, 0xff, 2, 0], [-1, 2]),
      (4, [0xff, 0xff, 2, 0], [65535, 2]), (5, [0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0], [-1, 2]),
      (6, [0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0], [4_294_967_295, 2]),
      (7, [0, 0, 0xc0, 0xbf, 0, 0, 0x20, 0x40], [-1.5, 2.5]),
      (12, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0, 0, 0], [-1, 2]),
    ] as [(Int, [UInt8], [Double])])
  func storageTypesAreRead(type: Int, bytes: [UInt8], expected: [Double]) throws {
    let element = MATWriter.matrix("x", shape: [1, 2], stored: type, bytes)
    try withFile("a.mat", MATWriter.file([element])) { path throws in
      let variables = try MATFile.variables(.init(path))
      #expect(variables[0].numbers?.numbers == expected)
    }
  }

  @Test func cellsOfTextAreLabels() throws {
    let cells = MATWriter.cells("names", ["mug", "ба́ck", ""])
    try withFile("a.mat", MATWriter.file([Self.features, cells])) { path throws in
      #expect(
        try FeatureFile(path).labels("names") == [ByteString("mug"), ByteString("ба́ck"), nil])
    }
  }

  @Test func variablesThatAreNotReadAreNamed() throws {
    let elements = [
      MATWriter.doubles("a", shape: [2, 2], [1, 2, 3, 4]),
      MATWriter.doubles("b", shape: [2, 2], [1, 2, 3, 4]),
      MATWriter.matrix("s", shape: [1, 1], kind: 2, stored: 2, [0]),
      MATWriter.matrix("z", shape: [1, 1], flags: 0x800, stored: 2, [0]),
    ]
    try withFile("a.mat", MATWriter.file(elements)) { path throws in
      let found = ["a (2×2 float64)", "b (2×2 float64)", "s (a structure)", "z (complex numbers)"]
      #expect(
        throws: InterchangeError.noChoice(
          path: path, what: "the features", option: "--variable", found: found)
      ) { try FeatureFile(path) }
      #expect(throws: InterchangeError.missingVariable(path: path, name: "c", found: found)) {
        try FeatureFile(path, variable: "c")
      }
      #expect(throws: InterchangeError.missingVariable(path: path, name: "y", found: found)) {
        try FeatureFile(path, variable: "b").labels("y")
      }
    }
  }

  @Test func otherVersionsAreNamed() throws {
    try withFile("a.mat", MATWriter.file([], version: "MATLAB 7.3 MAT-file")) { path throws in
      let error = #expect(throws: InterchangeError.self) { try FeatureFile(path) }
      #expect(error?.description.contains("7.3, which is HDF5") == true)
    }
    try withFile("a.mat", [0x89] + Array("HDF\r\n".utf8) + [0x1a, 0x0a, 0]) { path throws in
      let error = #expect(throws: InterchangeError.self) { try FeatureFile(path) }
      #expect(error?.description.contains("HDF5") == true)
    }
    var bigEndian = MATWriter.file([Self.features])
    bigEndian.replaceSubrange(126..<128, with: Array("MI".utf8))
    try withFile("a.mat", bigEndian) { path throws in
      let error = #expect(throws: InterchangeError.self) { try FeatureFile(path) }
      #expect(error?.description.contains("big-endian") == true)
    }
  }

  /// Cut anywhere, a file is damaged or holds fewer variables, and is never read wrongly.
  @Test(arguments: [false, true])
  func cutFilesAreRefused(isCompressed: Bool) throws {
    let element = isCompressed ? MATWriter.compressed(Self.features) : Self.features
    let bytes = MATWriter.file([element])
    for count in stride(from: 0, to: bytes.count, by: 1) {
      try withFile("a.mat", Array(bytes[..<count])) { path throws in
        _ = #expect(throws: InterchangeError.self) { try FeatureFile(path) }
      }
    }
  }

  @Test func changedBytesNeverTrap() throws {
    let bytes = MATWriter.file([Self.features, MATWriter.cells("n", ["ab", "c"]), Self.labels])
    try withTemporaryFolder { folder in
      for i in 128..<bytes.count {
        for change in [UInt8(0xff), 0x01, 0x80] {
          var changed = bytes
          changed[i] ^= change
          try withFile("a.mat", changed) { path throws in
            _ = try? values(FeatureFile(path, variable: "feas"))
          }
        }
      }
    }
  }
}
