/// Writes MATLAB files of version 5 as the format's description has them.
package enum MATWriter {
  package static func file(_ elements: [[UInt8]], version: String = "MATLAB 5.0 MAT-file")
    -> [UInt8]
  {
    var header = Array(version.utf8)
    header += [UInt8](repeating: 0x20, count: 124 - header.count)
    return header + [0, 1] + Array("IM".utf8) + elements.flatMap { $0 }
  }

  /// An element, in the short form when it fits.
  package static func element(_ type: Int, _ data: [UInt8]) -> [UInt8] {
    if (1...4).contains(data.count) && type != 14 {
      return littleEndian(data.count << 16 | type, 4) + data
        + [UInt8](repeating: 0, count: 4 - data.count)
    }
    let padding = type == 15 ? 0 : (8 - data.count % 8) % 8
    return littleEndian(type, 4) + littleEndian(data.count, 4) + data
      + [UInt8](repeating: 0, count: padding)
  }

  /// A variable of numbers.
  package static func matrix(
    _ name: String, shape: [Int], kind: Int = 6, flags: Int = 0, stored type: Int, _ data: [UInt8]
  ) -> [UInt8] {
    element(
      14,
      element(6, littleEndian(kind | flags, 4) + [0, 0, 0, 0])
        + element(5, shape.flatMap { littleEndian($0, 4) }) + element(1, Array(name.utf8))
        + element(type, data))
  }

  package static func doubles(_ name: String, shape: [Int], _ values: [Double]) -> [UInt8] {
    matrix(
      name, shape: shape, stored: 9,
      values.flatMap { littleEndian(Int(bitPattern: UInt($0.bitPattern)), 8) })
  }

  /// A variable of single precision.
  package static func floats(_ name: String, shape: [Int], _ values: [Float]) -> [UInt8] {
    matrix(
      name, shape: shape, kind: 7, stored: 7,
      values.flatMap { littleEndian(Int($0.bitPattern), 4) })
  }

  /// A text.
  package static func text(_ name: String, _ text: String) -> [UInt8] {
    matrix(
      name, shape: [1, text.utf16.count], kind: 4, stored: 4,
      text.utf16.flatMap { littleEndian(Int($0), 2) })
  }

  /// A cell array of one row; its parts are variables without a name.
  package static func cellArray(_ name: String, _ parts: [[UInt8]]) -> [UInt8] {
    element(
      14,
      element(6, littleEndian(1, 4) + [0, 0, 0, 0])
        + element(5, littleEndian(1, 4) + littleEndian(parts.count, 4))
        + element(1, Array(name.utf8)) + parts.flatMap { $0 })
  }

  /// A structure of one element; its fields are variables without a name.
  package static func structure(
    _ name: String, _ fields: [(name: String, value: [UInt8])]
  ) -> [UInt8] {
    let length = 32
    let names = fields.flatMap { field in
      Array(field.name.utf8) + [UInt8](repeating: 0, count: length - field.name.utf8.count)
    }
    return element(
      14,
      element(6, littleEndian(2, 4) + [0, 0, 0, 0])
        + element(5, littleEndian(1, 4) + littleEndian(1, 4)) + element(1, Array(name.utf8))
        + element(5, littleEndian(length, 4)) + element(1, names) + fields.flatMap(\.value))
  }

  /// A cell array of texts.
  package static func cells(_ name: String, _ texts: [String]) -> [UInt8] {
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
  package static func compressed(_ element: [UInt8]) -> [UInt8] {
    MATWriter.element(15, [0x78, 0x01] + Deflate.stored(element) + Deflate.adler32(element))
  }
}
