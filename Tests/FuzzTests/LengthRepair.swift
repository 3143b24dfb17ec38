/// Puts right the length that a header begins with, so that damage to the header's text is read and
/// not refused for a length that no longer fits.
enum LengthRepair {
  /// A NumPy file: the header ends at the first line feed.
  static func numPy(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count > 10, let feed = bytes[10...].firstIndex(of: 0x0a) else { return bytes }
    let count = feed + 1 - 10
    var bytes = bytes
    bytes[6] = 1
    bytes[8] = UInt8(truncatingIfNeeded: count)
    bytes[9] = UInt8(truncatingIfNeeded: count >> 8)
    return bytes
  }

  /// A safetensors file: the header ends at the last two braces.
  static func safetensors(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count > 10,
      let end = (9..<bytes.count).last(where: {
        bytes[$0] == UInt8(ascii: "}") && bytes[$0 - 1] == UInt8(ascii: "}")
      })
    else { return bytes }
    let count = end + 1 - 8
    return (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + bytes[8...]
  }
}
