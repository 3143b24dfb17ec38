import Foundation
import TestSupport
import Testing

@testable import Files

@Suite struct InflateTests {
  /// `zlib.compress(b"decaf " * 9 + b"!", 9)` in Python.
  static let compressed: [UInt8] = [
    0x78, 0xda, 0x4b, 0x49, 0x4d, 0x4e, 0x4c, 0x53, 0x48, 0x21, 0x91, 0x54, 0x04, 0x00, 0x1a, 0x75,
    0x12, 0xcd,
  ]
  static let text = Array((String(repeating: "decaf ", count: 9) + "!").utf8)

  @Test func compressedBytesExpand() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/z"
      let padded = [9] + Self.compressed + [8, 7]
      try Data(padded).write(to: URL(fileURLWithPath: path))
      let file = try MappedFile(path)
      let range = 1..<1 + Self.compressed.count
      #expect(try Inflate.bytes(of: file, range, .zlib, limit: 55) == Self.text)
      // Without header and checksum it is a raw stream.
      let raw = range.lowerBound + 2..<range.upperBound - 4
      #expect(try Inflate.bytes(of: file, raw, .raw, limit: 55) == Self.text)
      #expect(throws: InflateError.tooLong(limit: 54)) {
        try Inflate.bytes(of: file, range, .zlib, limit: 54)
      }
      #expect(throws: InflateError.endsEarly) {
        try Inflate.bytes(of: file, 1..<range.upperBound - 1, .zlib, limit: 99)
      }
      #expect(throws: InflateError.endsEarly) {
        try Inflate.bytes(of: file, 1..<1, .zlib, limit: 99)
      }
      #expect(throws: InflateError.damaged) {
        try Inflate.bytes(of: file, 0..<range.upperBound, .zlib, limit: 99)
      }
    }
  }

  @Test func checksumIsThatOfTheStandard() {
    #expect(Inflate.checksum(Array("123456789".utf8).span) == 0xcbf4_3926)
    #expect(Inflate.checksum([UInt8]().span) == 0)
  }
}
