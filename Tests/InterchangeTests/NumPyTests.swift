import Files
import Images
import TestSupport
import Testing

@testable import Interchange

@Suite struct NumPyTests {
  @Test func arraysOfBothOrdersAreRead() throws {
    let data = NPYWriter.floats([1, 2, 3, 4, 5, 6])
    try withFile("a.npy", NPYWriter.array("<f4", "2, 3", data)) { path throws in
      let file = try FeatureFile(path)
      #expect(file.format == .npy && file.variable == nil)
      #expect(file.rowCount == 2 && file.width == 3 && values(file) == [1, 2, 3, 4, 5, 6])
    }
    let byColumns = NPYWriter.array("<f4", "2, 3", isColumnMajor: true, data)
    try withFile("a.npy", byColumns) { path throws in
      #expect(try values(FeatureFile(path)) == [1, 3, 5, 2, 4, 6])
    }
    try withFile("a.npy", NPYWriter.array("|u1", "2, 1, 2, 1", [1, 2, 3, 255])) { path throws in
      let file = try FeatureFile(path)
      #expect(file.rowCount == 2 && file.width == 2 && values(file) == [1, 2, 3, 255])
    }
    try withFile("a.npy", NPYWriter.array("<f2", "1, 2", [0, 0x3c, 0, 0xc0])) { path throws in
      #expect(try values(FeatureFile(path)) == [1, -2])
    }
  }

  @Test func otherTypesAreRefused() throws {
    for (descriptor, word) in [(">f4", "little-endian"), ("|O", "numbers"), ("<c8", "numbers")] {
      try withFile("a.npy", NPYWriter.array(descriptor, "1, 1", [0, 0, 0, 0])) { path throws in
        let error = #expect(throws: InterchangeError.self) { try FeatureFile(path) }
        #expect(error?.description.contains(word) == true)
        #expect(error?.description.contains(descriptor) == true)
      }
    }
    try withFile("a.npy", NPYWriter.array("<f4", "2, 2", [0, 0, 0, 0])) { path throws in
      let error = #expect(throws: InterchangeError.self) { try FeatureFile(path) }
      #expect(error?.description.contains("expected") == true)
    }
    let vector = NPYWriter.array("<f4", "4", NPYWriter.floats([1, 2, 3, 4]))
    try withFile("a.npy", vector) { path throws in
      #expect(
        throws: InterchangeError.notAMatrix(
          path: path, variable: "array", shape: "array (4 float32)")
      ) { try FeatureFile(path) }
    }
    try withFile("a.npy", NPYWriter.array("<f4", "0, 4", [])) { path throws in
      #expect(throws: InterchangeError.empty(path: path)) { try FeatureFile(path) }
    }
  }

  static let archive = [
    (name: "x.npy", data: NPYWriter.array("<f4", "2, 2", NPYWriter.floats([1, 2, 3, 4]))),
    (name: "y.npy", data: NPYWriter.array("<i8", "2,", littleEndian(-3, 8) + littleEndian(9, 8))),
    (
      name: "names.npy",
      data: NPYWriter.array(
        "<U2", "2,",
        Array("a\0\0\0b\0\0\0é\0\0\0".utf8.prefix(8))
          + [0xe9, 0, 0, 0, 0, 0, 0, 0])
    ),
    (name: "raw.npy", data: NPYWriter.array("|S3", "2,", Array("ab\0xyz".utf8))),
    (name: "odd.npy", data: NPYWriter.array("|O", "1,", [1, 2])),
  ]

  @Test(arguments: [false, true], [false, true])
  func archivesAreRead(isCompressed: Bool, isLarge: Bool) throws {
    let bytes = NPYWriter.archive(Self.archive, isCompressed: isCompressed, isLarge: isLarge)
    try withFile("a.npz", bytes) { path throws in
      let file = try FeatureFile(path)
      #expect(file.format == .npz && file.variable == "x" && values(file) == [1, 2, 3, 4])
      #expect(try file.labels("y") == [ByteString("-3"), ByteString("9")])
      #expect(try file.labels("names") == [ByteString("ab"), ByteString("é")])
      #expect(try file.labels("raw") == [ByteString("ab"), ByteString("xyz")])
      #expect(throws: InterchangeError.self) { try file.labels("odd") }
    }
  }

  @Test func damagedArchivesAreRefused() throws {
    for isCompressed in [false, true] {
      let bytes = NPYWriter.archive([Self.archive[0]], isCompressed: isCompressed)
      for count in 0..<bytes.count {
        try withFile("a.npz", Array(bytes[..<count])) { path throws in
          _ = #expect(throws: InterchangeError.self) { try FeatureFile(path) }
        }
      }
      for i in 0..<bytes.count {
        var changed = bytes
        changed[i] ^= 0xff
        // Names and dates may change unseen, values may not.
        try withFile("a.npz", changed) { path throws in
          if let file = try? FeatureFile(path) { #expect(values(file) == [1, 2, 3, 4]) }
        }
      }
    }
  }
}
