import Files
import Formats
import Tensors
import TestSupport
import Testing

@testable import Interchange

/// Files that claim more than they hold, and files of kinds that are not read.
@Suite struct DamagedFileTests {
  /// The error of a file that has to be one of bad input.
  private func problem(_ name: String, _ bytes: [UInt8]) throws -> String {
    var text = ""
    try withFile(name, bytes) { path throws in
      let error = #expect(throws: InterchangeError.self, "\(name)") { try FeatureFile(path) }
      #expect(error?.exitStatus == .badInput)
      text = error.map(\.description) ?? ""
    }
    return text
  }

  @Test(arguments: [
    ("<f4", "2305843009213693951, 1"), ("<f4", "0, 1099511627776, 1099511627776"),
    ("<U2305843009213693952", "0, 5"), ("<U99999999999", "99999999999,"),
    ("<f4", "9223372036854775807, 9223372036854775807"), ("<f4", "1, 1152921504606846976"),
    ("<f4", "99999999999999999999, 1"), ("<S-1", "2,"), ("xf4", "1, 2"),
  ])
  func shapesThatNoFileHolds(descriptor: String, shape: String) throws {
    _ = try problem("a.npy", NPYWriter.array(descriptor, shape, []))
  }

  @Test func archivesThatClaimTooMuch() throws {
    let sound = NPYWriter.archive(
      [("x.npy", NPYWriter.array("<f4", "1, 2", NPYWriter.floats([1, 2])))], isCompressed: false)
    // The directory's locator and 64-bit end before the plain end, with a count of -1.
    let large: [UInt8] =
      [0x50, 0x4b, 6, 6] + littleEndian(44, 8) + [45, 0, 45, 0] + [UInt8](repeating: 0, count: 8)
      + [UInt8](repeating: 0xff, count: 16) + [UInt8](repeating: 0, count: 16)
    let locator: [UInt8] = [0x50, 0x4b, 6, 7, 0, 0, 0, 0] + littleEndian(4, 8) + [1, 0, 0, 0]
    let end: [UInt8] = [0x50, 0x4b, 5, 6] + [UInt8](repeating: 0xff, count: 16) + [0, 0]
    let text = try problem("a.npz", [0x50, 0x4b, 3, 4] + large + locator + end)
    #expect(text.contains("members"), "\(text)")
    // Two members of the same bytes.
    let directory = sound.count - 22 - 46 - 5
    var twice = Array(sound[..<directory])
    for _ in 0..<2 { twice += sound[directory..<sound.count - 22] }
    let size = 2 * (46 + 5)
    twice +=
      [0x50, 0x4b, 5, 6, 0, 0, 0, 0, 2, 0, 2, 0] + littleEndian(size, 4)
      + littleEndian(directory, 4) + [0, 0]
    #expect(try problem("a.npz", twice).contains("bytes"))
  }

  @Test func rowsOfSvmlightAreBounded() throws {
    #expect(try problem("a.svm", Array("1 4294967296:1\n".utf8)).contains("16777216"))
    #expect(try problem("a.svm", Array("1 9223372036854775807:1\n".utf8)).contains("16777216"))
    try withFile("a.svm", Array("1 16777216:1\n".utf8)) { path throws in
      #expect(try FeatureFile(path).width == 1 << 24)
      #expect(throws: InterchangeError.self) { try FeatureFile(path, width: 1 << 62) }
    }
  }

  @Test func structuredArraysAreNamed() throws {
    let text = "{'descr': [('a', '<f4'), ('b', '<i4')], 'fortran_order': False, 'shape': (6,), }\n"
    let bytes =
      NPYDescription.magic + [1, 0] + littleEndian(text.utf8.count, 2) + Array(text.utf8)
      + [UInt8](repeating: 0, count: 48)
    let problem = try problem("a.npy", bytes)
    #expect(problem.contains("[('a', '<f4'), ('b', '<i4')]") && problem.contains("structured"))
  }

  @Test func columnMajorArraysOfAnyAxesAreReadAsTheirTwins() throws {
    let shape = [3, 2, 4, 5]
    let numbers = (0..<120).map(Float.init)
    // The slow twin: element (r, i, j, k) of the C order, put where Fortran has it.
    var columnMajor = [Float](repeating: 0, count: 120)
    for r in 0..<3 {
      for i in 0..<2 {
        for j in 0..<4 {
          for k in 0..<5 {
            columnMajor[r + 3 * (i + 2 * (j + 4 * k))] = numbers[((r * 2 + i) * 4 + j) * 5 + k]
          }
        }
      }
    }
    let text = shape.map(String.init).joined(separator: ", ")
    try withFile(
      "a.npy",
      NPYWriter.array("<f4", text, isColumnMajor: true, NPYWriter.floats(columnMajor))
    ) { path throws in
      let file = try FeatureFile(path)
      #expect(file.rowCount == 3 && file.width == 40 && values(file) == numbers)
    }
  }

  @Test func otherKindsOfMATLABFilesAreNamed() throws {
    // x = eye(2), little-endian doubles.
    var old: [UInt8] = [0, 2, 2, 0, 2].flatMap { (number: Int) in littleEndian(number, 4) }
    old += [0x78, 0]
    for number in [1.0, 0, 0, 1] {
      old += littleEndian(Int(bitPattern: UInt(number.bitPattern)), 8)
    }
    #expect(try problem("a.mat", old).contains("version 4"))
    let sparse = MATWriter.matrix("s", shape: [2, 2], kind: 5, stored: 5, littleEndian(0, 8))
    for elements in [[sparse], [sparse, MATWriter.doubles("v", shape: [1, 3], [1, 2, 3])]] {
      let problem = try problem("a.mat", MATWriter.file(elements))
      #expect(problem.contains("s = full(s)"), "\(problem)")
    }
  }

  @Test func matricesOfCharactersAreALabelARow() throws {
    let characters = MATWriter.matrix(
      "l", shape: [3, 4], kind: 4, stored: 4,
      "cddaoot g   ".utf16.flatMap { littleEndian(Int($0), 2) })
    let x = MATWriter.doubles("x", shape: [3, 2], [1, 2, 3, 4, 5, 6])
    try withFile("a.mat", MATWriter.file([x, characters])) { path throws in
      let file = try FeatureFile(path)
      #expect(try file.labels("l") == ["cat", "do", "dog"])
    }
  }

  @Test func tablesAreReadAsTheyAreExported() throws {
    let text =
      "\u{feff}row,path,label,f0,f1\r\n0,\"a,\"\"b\"\".jpg\", cat ,1.5,-2\n\n1,c,,nan,nan\n"
    try withFile("a.csv", Array(text.utf8)) { path throws in
      let file = try FeatureFile(path)
      #expect(file.format == .csv && file.rowCount == 2 && file.width == 2)
      #expect(file.ownPaths == ["a,\"b\".jpg", "c"] && file.ownLabels == ["cat", nil])
      #expect(values(file)[..<2] == [1.5, -2])
      #expect(try file.labels(path) == ["cat", nil])
    }
    try withFile("a.csv", Array("1,2\n3,4e1\n".utf8)) { path throws in
      let file = try FeatureFile(path)
      #expect(values(file) == [1, 2, 3, 40] && file.ownLabels == nil)
    }
    for text in ["a,b\n1,2\n1\n", "a\nx\n", "path,path\n", "a\n\"1\n", "a\n1,2\n"] {
      _ = try problem("a.csv", Array(text.utf8))
    }
  }

  @Test func numbersAreOneLabelHoweverWritten() throws {
    let text =
      "\u{feff}+1 1:1\n1 1:1\n01 1:1\n1.0 1:1\n-0 1:1\n1e300 1:1\n0x1 1:1\nnan 1:1\n2.50 1:1\n"
    try withFile("a.svm", Array(text.utf8)) { path throws in
      #expect(
        try FeatureFile(path).ownLabels
          == ["1", "1", "1", "1", "0", "1e+300", "0x1", "nan", "2.5"])
    }
  }

  @Test func spacesAroundLabelsAreNoneOfThem() throws {
    try withFile("a.svm", Array("1 1:1\n1 1:1\n1 1:1\n".utf8)) { path throws in
      try withFile("l.txt", Array("\u{feff}cat \r\n\t cat\n   \n".utf8)) { labels throws in
        #expect(try FeatureFile(path).labels(labels) == ["cat", "cat", nil])
      }
    }
  }
}
