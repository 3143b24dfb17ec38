internal import Files

/// A file in an archive that is written (ZIP file format specification 6.3, section 4.3).
package struct ZIPMember {
  var name: String
  var byteCount: Int
  var checksum: UInt32
  /// The checksum is not known when the header is written: it follows the bytes.
  var isChecksumBehind = false

  package init(name: String, byteCount: Int, checksum: UInt32, isChecksumBehind: Bool = false) {
    (self.name, self.byteCount, self.checksum) = (name, byteCount, checksum)
    self.isChecksumBehind = isChecksumBehind
  }

  /// What both kinds of headers have in common, from the version needed on.
  private func fields(checksum: UInt32) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(littleEndian: UInt16(20))
    bytes.append(littleEndian: UInt16(isChecksumBehind ? 8 : 0))
    // Stored, at the beginning of 1980, so that the same store gives the same bytes.
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: UInt16(0))
    bytes.append(littleEndian: UInt16(0x21))
    bytes.append(littleEndian: checksum)
    bytes.append(littleEndian: UInt32(byteCount))
    bytes.append(littleEndian: UInt32(byteCount))
    bytes.append(littleEndian: UInt16(name.utf8.count))
    bytes.append(littleEndian: UInt16(0))
    return bytes
  }

  package var localHeader: [UInt8] {
    [0x50, 0x4B, 3, 4] + fields(checksum: isChecksumBehind ? 0 : checksum) + Array(name.utf8)
  }

  package func centralHeader(at offset: Int) -> [UInt8] {
    var bytes: [UInt8] = [0x50, 0x4B, 1, 2, 20, 0] + fields(checksum: checksum)
    bytes += [UInt8](repeating: 0, count: 10)
    bytes.append(littleEndian: UInt32(offset))
    return bytes + Array(name.utf8)
  }

  /// The checksum and sizes behind the bytes.
  package var descriptor: [UInt8] {
    var bytes: [UInt8] = [0x50, 0x4B, 7, 8]
    bytes.append(littleEndian: checksum)
    bytes.append(littleEndian: UInt32(byteCount))
    bytes.append(littleEndian: UInt32(byteCount))
    return bytes
  }

  /// What stands behind the last member: the directory, and where it is.
  ///
  /// - Parameter central: the headers of all members.
  package static func end(_ central: [UInt8], at start: Int, memberCount: Int) -> [UInt8] {
    var bytes = central + [0x50, 0x4B, 5, 6, 0, 0, 0, 0]
    bytes.append(littleEndian: UInt16(memberCount))
    bytes.append(littleEndian: UInt16(memberCount))
    bytes.append(littleEndian: UInt32(central.count))
    bytes.append(littleEndian: UInt32(start))
    bytes.append(littleEndian: UInt16(0))
    return bytes
  }
}
