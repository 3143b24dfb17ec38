internal import Files

/// What a tar archive holds: plain files in place, found by their headers alone.
///
/// POSIX ustar and pax, GNU's long names and large numbers. A name is a text to show: nothing is ever
/// opened or written by it.
struct TarArchive {
  struct Member: Equatable {
    /// As written, but for a leading `./`.
    var name: ByteString
    /// Of its bytes in the archive.
    var range: Range<Int>
  }

  /// Plain files, in order.
  private(set) var members: [Member] = []
  /// Whether the blocks of zeros are there by which an archive ends.
  private(set) var hasEndMark = false

  private static let block = 512
  /// A longer name, or set of pax records, is an attack.
  private static let longestExtension = 1 << 20

  /// - Throws: what is wrong and where, in words.
  init(_ file: MappedFile) throws(ProblemError) {
    var start = 0
    var done = 0
    var name: ByteString?
    var size: Int?
    while start + Self.block <= file.byteCount {
      let header = file.bytes(start..<start + Self.block)
      // Two blocks of zeros end an archive; one is as good.
      if header.allSatisfy({ $0 == 0 }) {
        hasEndMark = true
        return
      }
      guard Self.hasRightSum(header) else {
        throw ProblemError("no tar header at byte \(start): its checksum is wrong")
      }
      guard let ownSize = Self.number(header[124..<136]) else {
        throw ProblemError("the tar header at byte \(start) has no valid size")
      }
      let kind = header[156]
      let isExtension = [UInt8(ascii: "L"), UInt8(ascii: "K"), UInt8(ascii: "x")].contains(kind)
      let count = isExtension ? ownSize : size ?? ownSize
      let data = start + Self.block
      guard count <= file.byteCount - data else {
        throw ProblemError(
          "the archive ends early: at byte \(file.byteCount), in the file at \(start)")
      }
      guard !isExtension || count <= Self.longestExtension else {
        throw ProblemError("the tar header at byte \(start) claims a name of \(count) bytes")
      }
      switch kind {
      case UInt8(ascii: "L"):
        name = ByteString(Array(file.bytes(data..<data + count).prefix { $0 != 0 }))
      case UInt8(ascii: "x"):
        let records = Self.records(file.bytes(data..<data + count))
        name = records["path"] ?? name
        size = records["size"].flatMap { Int($0.description) } ?? size
        if let size, size < 0 { throw ProblemError("a size below 0 at byte \(start)") }
      case UInt8(ascii: "K"), UInt8(ascii: "g"): break
      case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
        members.append(
          Member(name: Self.plain(name ?? Self.name(header)), range: data..<data + count))
        (name, size) = (nil, nil)
      case UInt8(ascii: "S"):
        throw ProblemError(
          "the file at byte \(start) is stored with holes (sparse); pack it plainly")
      default: (name, size) = (nil, nil)
      }
      start = data + (count + Self.block - 1) / Self.block * Self.block
      if start - done > 1 << 26 {
        file.isDone(with: done..<min(start, file.byteCount))
        done = start
      }
    }
    if start < file.byteCount && start > 0 {
      throw ProblemError("the archive ends early: at byte \(file.byteCount), in a header")
    }
    if members.isEmpty { throw ProblemError("no tar archive: it ends before a header does") }
  }

  private static func hasRightSum(_ header: [UInt8]) -> Bool {
    let found = header.indices.reduce(0) {
      $0 + ((148..<156).contains($1) ? 32 : Int(header[$1]))
    }
    return number(header[148..<156]) == found
  }

  /// A number in octal digits, or big-endian after a byte 0x80; nil for anything else.
  private static func number(_ field: ArraySlice<UInt8>) -> Int? {
    if field.first == 0x80 {
      guard field.dropFirst().prefix(field.count - 8).allSatisfy({ $0 == 0 }) else { return nil }
      let value = field.suffix(7).reduce(0) { $0 << 8 | Int($1) }
      return value
    }
    let digits = field.drop { $0 == 32 }.prefix { $0 != 32 && $0 != 0 }
    guard digits.allSatisfy({ (48..<56).contains($0) }) else { return nil }
    return digits.reduce(0) { $0 << 3 | Int($1 - 48) }
  }

  private static func name(_ header: [UInt8]) -> ByteString {
    func text(_ range: Range<Int>) -> [UInt8] { Array(header[range].prefix { $0 != 0 }) }
    let isPOSIX = header[257..<263].elementsEqual(Array("ustar\0".utf8))
    let prefix = isPOSIX ? text(345..<500) : []
    return ByteString((prefix.isEmpty ? [] : prefix + [.slash]) + text(0..<100))
  }

  private static func plain(_ name: ByteString) -> ByteString {
    name.bytes.starts(with: Array("./".utf8)) ? ByteString(Array(name.bytes.dropFirst(2))) : name
  }

  /// Pax records: `LENGTH KEY=VALUE` and a line feed, one after the other.
  private static func records(_ bytes: [UInt8]) -> [String: ByteString] {
    var records: [String: ByteString] = [:]
    var rest = bytes[...]
    while let space = rest.firstIndex(of: 32),
      let length = Int(String(decoding: rest[..<space], as: UTF8.self)),
      length > space - rest.startIndex + 1, length <= rest.count
    {
      let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
      if let equals = record.firstIndex(of: UInt8(ascii: "=")) {
        records[String(decoding: record[..<equals], as: UTF8.self)] =
          ByteString(Array(record[(equals + 1)...]))
      }
      rest = rest[(rest.startIndex + length)...]
    }
    return records
  }
}
