import Files
import Foundation
import Tensors
import TestSupport

@testable import Interchange

/// Little-endian bytes of an integer.
func littleEndian(_ value: Int, _ byteCount: Int) -> [UInt8] {
  (0..<byteCount).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

/// Writes MATLAB files of version 5 as the format's description has them.
enum MATWriter {
  static func file(_ elements: [[UInt8]], version: String = "MATLAB 5.0 MAT-file") -> [UInt8] {
    var header = Array(version.utf8)
    header += [UInt8](repeating: 0x20, count: 124 - header.count)
    return header + [0, 1] + Array("IM".utf8) + elements.flatMap { $0 }
  }

  /// An element, in the short form when it fits.
  static func element(_ type: Int, _ data: [UInt8]) -> [UInt8] {
    if (1...4).contains(data.count) && type != 14 {
      return littleEndian(data.count << 16 | type, 4) + data
        + [UInt8](repeating: 0, count: 4 - data.count)
    }
    let padding = type == 15 ? 0 : (8 - data.count % 8) % 8
    return littleEndian(type, 4) + littleEndian(data.count, 4) + data
      + [UInt8](repeating: 0, count: padding)
  }

  /// A variable of numbers.
  static func matrix(
    _ name: String, shape: [Int], kind: Int = 6, flags: Int = 0, stored type: Int, _ data: [UInt8]
  ) -> [UInt8] {
    element(
      14,
      element(6, littleEndian(kind | flags, 4) + [0, 0, 0, 0])
        + element(5, shape.flatMap { littleEndian($0, 4) }) + element(1, Array(name.utf8))
        + element(type, data))
  }

  static func doubles(_ name: String, shape: [Int], _ values: [Double]) -> [UInt8] {
    matrix(
      name, shape: shape, stored: 9,
      values.flatMap { littleEndian(Int(bitPattern: UInt($0.bitPattern)), 8) })
  }

  /// A cell array of texts.
  static func cells(_ name: String, _ texts: [String]) -> [UInt8] {
    let cells = texts.flatMap { text in
      matrix(
        "", shape: [1, text.utf16.count], kind: 4, stored: 4,
        text.utf16.flatMap { littleEndian(Int($0), 2) })
    }
    return element(
      14,
      element(6, littleEndian(1, 4) + [0, 0, 0, 0])
        + element(5, littleEndian(texts.count, 4) + littleEndian(1, 4))
        + element(1, Array(name.utf8)) + cells)
  }

  /// The element in a compressed one.
  static func compressed(_ element: [UInt8]) -> [UInt8] {
    MATWriter.element(15, [0x78, 0x01] + Deflate.stored(element) + Deflate.adler32(element))
  }
}

/// Deflate streams whose blocks are stored as they are.
enum Deflate {
  static func stored(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var start = 0
    repeat {
      let part = bytes[start..<min(bytes.count, start + 1000)]
      start += part.count
      result.append(start == bytes.count ? 1 : 0)
      result += littleEndian(part.count, 2) + littleEndian(~part.count, 2) + part
    } while start < bytes.count
    return result
  }

  static func adler32(_ bytes: [UInt8]) -> [UInt8] {
    var (a, b) = (1, 0)
    for byte in bytes {
      a = (a + Int(byte)) % 65521
      b = (b + a) % 65521
    }
    return littleEndian(b << 16 | a, 4).reversed()
  }
}

/// Writes NumPy arrays and archives.
enum NPYWriter {
  static func array(
    _ descriptor: String, _ shape: String, isColumnMajor: Bool = false, _ data: [UInt8]
  ) -> [UInt8] {
    let order = isColumnMajor ? "True" : "False"
    let text = "{'descr': '\(descriptor)', 'fortran_order': \(order), 'shape': (\(shape)), }\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0] + littleEndian(text.utf8.count, 2)
      + Array(text.utf8) + data
  }

  static func floats(_ values: [Float]) -> [UInt8] {
    values.flatMap { littleEndian(Int($0.bitPattern), 4) }
  }

  /// A ZIP archive; `isLarge` puts the sizes into 64-bit fields, as NumPy may.
  static func archive(
    _ members: [(name: String, data: [UInt8])], isCompressed: Bool, isLarge: Bool = false
  ) -> [UInt8] {
    var bytes: [UInt8] = []
    var directory: [UInt8] = []
    for (name, data) in members {
      let stored = isCompressed ? Deflate.stored(data) : data
      let common =
        littleEndian(isCompressed ? 8 : 0, 2) + [0, 0, 0, 0]
        + littleEndian(Int(Inflate.checksum(data.span)), 4)
      let sizes =
        isLarge
        ? littleEndian(0xffff_ffff, 4) + littleEndian(0xffff_ffff, 4)
        : littleEndian(stored.count, 4) + littleEndian(data.count, 4)
      let extra =
        isLarge
        ? littleEndian(1, 2) + littleEndian(16, 2) + littleEndian(data.count, 8)
          + littleEndian(stored.count, 8) : []
      let lengths = littleEndian(name.utf8.count, 2) + littleEndian(extra.count, 2)
      directory +=
        [0x50, 0x4b, 1, 2, 45, 0, 45, 0, 0, 0] + common + sizes + lengths
        + [UInt8](repeating: 0, count: 10) + littleEndian(bytes.count, 4) + Array(name.utf8) + extra
      bytes +=
        [0x50, 0x4b, 3, 4, 45, 0, 0, 0] + common + sizes + lengths + Array(name.utf8) + extra
        + stored
    }
    return bytes + directory + [0x50, 0x4b, 5, 6, 0, 0, 0, 0]
      + littleEndian(members.count, 2) + littleEndian(members.count, 2)
      + littleEndian(directory.count, 4) + littleEndian(bytes.count, 4) + [0, 0]
  }
}

/// Writes the bytes to a file of this name in a fresh folder and calls `body` with its path.
func withFile(_ name: String, _ bytes: [UInt8], _ body: (String) throws -> Void) throws {
  try withTemporaryFolder { folder in
    let path = "\(folder)/\(name)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return try body(path)
  }
}

/// All values of the file's features, row by row.
func values(_ file: FeatureFile) -> [Float] {
  var values: [Float] = []
  file.append(0..<file.rowCount, to: &values)
  return values
}
