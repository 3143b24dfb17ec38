internal import Files

/// Writes NumPy arrays and archives.
package enum NPYWriter {
  package static func array(
    _ descriptor: String, _ shape: String, isColumnMajor: Bool = false, _ data: [UInt8]
  ) -> [UInt8] {
    let order = isColumnMajor ? "True" : "False"
    let text = "{'descr': '\(descriptor)', 'fortran_order': \(order), 'shape': (\(shape)), }\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0] + littleEndian(text.utf8.count, 2)
      + Array(text.utf8) + data
  }

  package static func floats(_ values: [Float]) -> [UInt8] {
    values.flatMap { littleEndian(Int($0.bitPattern), 4) }
  }

  /// A ZIP archive; `isLarge` puts the sizes into 64-bit fields, as NumPy may.
  package static func archive(
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
