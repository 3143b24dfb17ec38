internal import Files

/// Images in tar archives, as WebDataset packs them: each is read in place.
///
/// Members whose names are equal up to the first dot after the last slash are a sample. Each member
/// that is named like a JPEG, PNG or WebP is an entry; the sample's label is what its member `cls` says,
/// else the key `label`, `cls` or `class` of its `json`, else its `txt`. A `json` with all of `x`,
/// `y`, `width` and `height` gives the box.
struct TarShards: Sendable {
  /// Under a header: `path` (the shard's name, a slash, the member's), `label`, the box, and where in
  /// the shard the image is.
  private(set) var canonicalText = Array(
    "path\tlabel\tx\ty\twidth\theight\tshard\toffset\tlength\n".utf8)
  /// Where each entry's image is.
  private(set) var places: [Place] = []
  /// The shards' names, in the folder of the list.
  let names: [ByteString]
  /// Their versions, from before they were read.
  private(set) var inputs: [InputFile] = []

  /// What a user should know about the shards, in words.
  private(set) var notes: [String] = []

  /// An image in a shard.
  struct Place: Hashable, Sendable {
    var shard: Int32
    var offset: Int
    var count: Int
  }

  /// What belongs to one sample, while its members are read.
  private struct Sample {
    var key: [UInt8] = []
    var images: [TarArchive.Member] = []
    var texts: [String: Range<Int>] = [:]
  }

  private static let imageKinds: Set = ["jpg", "jpeg", "png", "webp"]
  private static let longestLabel = 1 << 16

  /// Whether a list of this name is one of shards.
  static func isNamed(by path: String) -> Bool { path.lowercased().hasSuffix(".tar") }

  /// - Parameter path: of a shard, or a pattern like `train-{000..127}.tar`.
  init(_ path: String) throws(ImageListError) {
    let paths = try ShardPattern.paths(path)
    names = paths.map { ByteString(FileSystem.name(of: $0)) }
    for (number, shard) in paths.enumerated() { try read(shard, number: Int32(number)) }
  }

  private mutating func read(_ path: String, number: Int32) throws(ImageListError) {
    let file: MappedFile
    do throws(SystemError) { file = try MappedFile(path) } catch { throw .unreadable(error) }
    // Not the mapping, of which a process may have but so many.
    do throws(SystemError) { inputs.append(try InputFile(path)) } catch { throw .unreadable(error) }
    let archive: TarArchive
    do throws(ProblemError) { archive = try TarArchive(file) } catch {
      throw .malformedShard(path: path, error.text)
    }
    if !archive.hasEndMark {
      notes.append("\(names[Int(number)]): no end mark; was it cut short?")
    }
    var sample = Sample()
    for member in archive.members {
      let name = member.name.bytes
      let base = (name.lastIndex(of: .slash) ?? -1) + 1
      // A hidden file is no sample's: macOS packs “._x.jpg” beside x.jpg.
      if base < name.count, name[base] == UInt8(ascii: ".") { continue }
      let dot = name[base...].firstIndex(of: UInt8(ascii: ".")) ?? name.count
      let key = Array(name[..<dot])
      if key != sample.key {
        try append(sample, of: file, number)
        sample = Sample(key: key)
      }
      let kind = String(decoding: name[dot...].dropFirst(), as: UTF8.self).lowercased()
      if Self.imageKinds.contains(kind.split(separator: ".").last.map(String.init) ?? "") {
        sample.images.append(member)
      } else {
        sample.texts[kind] = member.range
      }
    }
    try append(sample, of: file, number)
  }

  private mutating func append(
    _ sample: Sample, of file: MappedFile, _ shard: Int32
  ) throws(ImageListError) {
    guard !sample.images.isEmpty else { return }
    func malformed(_ problem: String) -> ImageListError {
      .malformedShard(path: file.path, "sample “\(ByteString(sample.key))”: \(problem)")
    }
    func text(_ kind: String) throws(ImageListError) -> [UInt8]? {
      guard let range = sample.texts[kind] else { return nil }
      guard range.count <= Self.longestLabel else {
        throw malformed("its .\(kind) has \(range.count) bytes, expected a label")
      }
      return file.bytes(range)
    }
    var json: JSONValue?
    if let bytes = try text("json") {
      do throws(ProblemError) { json = try JSONValue(parsing: bytes) } catch {
        throw malformed("its .json: \(error.text)")
      }
    }
    let named = ["label", "cls", "class"].lazy.compactMap { Self.text(json?[$0]) }.first
    var found = try text("cls")
    if found == nil { found = named }
    if found == nil { found = try text("txt") }
    let label = ByteString(found ?? []).trimmed
    let sides = ["x", "y", "width", "height"].compactMap { Self.text(json?[$0]) }
    let box = sides.count == 4 ? sides : Array(repeating: [], count: 4)
    for image in sample.images {
      let path = names[Int(shard)].bytes + [.slash] + image.name.bytes
      let place = image.range
      let fields =
        [path, label.bytes] + box
        + [Int(shard), place.lowerBound, place.count].map { Array("\($0)".utf8) }
      guard !fields.joined().contains(where: { $0 < 32 }) else {
        throw malformed("a tab, a line break or the like in its name or label")
      }
      if path.first == UInt8(ascii: "#") { canonicalText += "./".utf8 }
      canonicalText += fields.joined(separator: [UInt8(ascii: "\t")])
      canonicalText.append(.lineFeed)
      places.append(Place(shard: shard, offset: place.lowerBound, count: place.count))
    }
  }

  /// A text or a number as text.
  private static func text(_ value: JSONValue?) -> [UInt8]? {
    switch value {
    case .string(let text)?: Array(text.utf8)
    case .number?: Array(value!.compactText.utf8)
    default: nil
    }
  }
}
