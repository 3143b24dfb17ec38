/// How a stored picture must be turned to stand upright (EXIF 2.3, tag 0x0112).
struct EXIFOrientation: Equatable {
  /// 1 (upright) … 8.
  let rawValue: Int32

  /// Rows of the stored picture are columns of the upright one.
  var isTransposed: Bool { rawValue >= 5 }

  /// Reads the orientation from the TIFF structure of an EXIF block; upright when it has none, or is
  /// damaged: the block is not needed to see the picture.
  init(_ tiff: some Collection<UInt8>) {
    rawValue = Self.orientation(in: Array(tiff)) ?? 1
  }

  private static func orientation(in tiff: [UInt8]) -> Int32? {
    let isLittleEndian: Bool
    switch tiff.prefix(2) {
    case [0x49, 0x49]: isLittleEndian = true
    case [0x4D, 0x4D]: isLittleEndian = false
    default: return nil
    }
    func integer(at offset: Int, byteCount: Int) -> Int? {
      guard offset >= 0, offset + byteCount <= tiff.count else { return nil }
      let bytes = tiff[offset..<offset + byteCount]
      return (isLittleEndian ? bytes.reversed() : Array(bytes)).reduce(0) { $0 << 8 | Int($1) }
    }
    // The first directory: a count, then entries of tag (2 bytes), type (2), count (4), value (4).
    guard integer(at: 2, byteCount: 2) == 42,
      let directory = integer(at: 4, byteCount: 4),
      let entryCount = integer(at: directory, byteCount: 2)
    else { return nil }
    for entry in 0..<entryCount {
      let offset = directory + 2 + entry * 12
      guard let tag = integer(at: offset, byteCount: 2) else { return nil }
      let short = 3
      if tag == 0x0112, integer(at: offset + 2, byteCount: 2) == short,
        let value = integer(at: offset + 8, byteCount: 2), (1...8).contains(value)
      {
        return Int32(value)
      }
    }
    return nil
  }
}
