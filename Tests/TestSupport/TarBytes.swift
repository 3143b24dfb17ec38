/// A tar archive of plain files, as POSIX ustar writes it.
package func tarBytes(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8] {
  var archive: [UInt8] = []
  for member in members {
    archive += tarHeader(member.name, size: member.bytes.count) + member.bytes
    archive += [UInt8](repeating: 0, count: (512 - member.bytes.count % 512) % 512)
  }
  return archive + [UInt8](repeating: 0, count: 1024)
}

/// - Parameter kind: `0` for a plain file.
package func tarHeader(_ name: String, size: Int, kind: Unicode.Scalar = "0") -> [UInt8] {
  var header = [UInt8](repeating: 0, count: 512)
  func put(_ text: String, at offset: Int) {
    for (i, byte) in text.utf8.enumerated() { header[offset + i] = byte }
  }
  func octal(_ value: Int, digits: Int) -> String {
    let text = String(value, radix: 8)
    return String(repeating: "0", count: digits - text.utf8.count) + text
  }
  put(name, at: 0)
  put("0000644", at: 100)
  put(octal(size, digits: 11), at: 124)
  put(String(kind), at: 156)
  put("ustar\u{0}00", at: 257)
  put("        ", at: 148)
  let sum = header.reduce(0) { $0 + Int($1) }
  put(octal(sum, digits: 6) + "\u{0} ", at: 148)
  return header
}
