internal import Files
internal import Glibc

/// The bytes of a list, wherever they come from.
struct ListText: Sendable {
  private enum Source {
    /// A file, read in place.
    case file(MappedFile)
    /// A compressed file, whose text is held in memory.
    case compressed(MappedFile)
    /// Read to its end; there is nothing to compare it with later.
    case standardInput
    case folder
    case image
    case shards(TarShards)
  }

  private let source: Source
  /// The text, where it is not a file's.
  private let text: [UInt8]
  let notes: [String]

  /// The name by which standard input is asked for.
  static let standardInputName = "-"
  /// A compressed list that expands to more is refused: 100 million entries take less.
  private static let mostBytes = 16 << 30

  /// Opens the list, folder, image or set of shards at `path`, or reads standard input.
  init(_ path: String) throws(ImageListError) {
    var notes: [String] = []
    if path == Self.standardInputName {
      (source, text) = (.standardInput, try Self.expanded(try Self.readStandardInput(), path: path))
    } else if TarShards.isNamed(by: path) {
      let shards = try TarShards(path)
      (source, text) = (.shards(shards), shards.canonicalText)
      notes = shards.notes
    } else if let file = try Self.file(path) {
      if let text = try SingleImage.canonicalText(file) {
        (source, self.text) = (.image, text)
      } else if FileSignature(of: file) == .gzip {
        (source, text) = (.compressed(file), try Self.expanded(file))
      } else {
        (source, text) = (.file(file), [])
      }
    } else {
      let folder = try ClassFolders(path)
      notes = folder.notes
      (source, text) = (.folder, folder.canonicalText)
    }
    self.notes = notes
  }

  /// The file, mapped; nil when it is a folder.
  private static func file(_ path: String) throws(ImageListError) -> MappedFile? {
    do throws(SystemError) { return try MappedFile(path) } catch {
      if error.code == EISDIR { return nil }
      throw .unreadable(error)
    }
  }

  private static func expanded(_ file: MappedFile) throws(ImageListError) -> [UInt8] {
    do throws(InflateError) { return try Inflate.gzip(file, limit: mostBytes) } catch {
      throw .notAList(path: file.path, found: "gzip-compressed data: \(error)")
    }
  }

  /// Standard input may be compressed, too.
  private static func expanded(
    _ bytes: [UInt8], path: String
  ) throws(ImageListError) -> [UInt8] {
    guard FileSignature(Array(bytes.prefix(FileSignature.longest))) == .gzip else { return bytes }
    do throws(InflateError) { return try Inflate.gzip(bytes, limit: mostBytes) } catch {
      throw .notAList(path: path, found: "gzip-compressed data: \(error)")
    }
  }

  private static func readStandardInput() throws(ImageListError) -> [UInt8] {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = piece.withUnsafeMutableBytes { Glibc.read(0, $0.baseAddress!, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        throw .unreadable(SystemError("read", path: "standard input"))
      }
      if count == 0 { return bytes }
      bytes += piece[..<count]
    }
  }

  var isFolder: Bool { if case .folder = source { true } else { false } }

  /// The shards that the list is made of; nil for other lists.
  var shards: TarShards? { if case .shards(let shards) = source { shards } else { nil } }

  /// How the text is written, by the list's name or, where it has none, by its first line.
  func format(ofListNamed path: String) -> any ListFormat {
    switch source {
    case .file: ListFormats.format(ofListNamed: path)
    case .compressed:
      ListFormats.format(
        ofListNamed: path.lowercased().hasSuffix(".gz") ? String(path.dropLast(3)) : path)
    case .standardInput: withSpan { ListFormats.format(of: $0) }
    case .folder, .image, .shards: TableList(nameEnding: ".tsv")
    }
  }

  func withSpan<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    guard case .file(let file) = source else { return try body(text.span) }
    return try file.withBytes { bytes throws(E) in
      try body(bytes.assumingMemoryBound(to: UInt8.self).span)
    }
  }

  /// Compares the list's files with those that were opened.
  func requireUnchanged() throws(InputChangedError) {
    switch source {
    case .file(let file), .compressed(let file): try file.input.requireUnchanged()
    case .shards(let shards):
      for input in shards.inputs { try input.requireUnchanged() }
    case .standardInput, .folder, .image: break
    }
  }

  /// The hash of the text as it is on the disk now; nil where it is not there to be read again.
  func currentSHA256() -> SHA256Digest? {
    switch source {
    case .file: survey().sha256
    case .compressed(let file):
      (try? Self.expanded(file)).map { bytes in
        var hasher = SHA256Digest.Hasher()
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher.finalize()
      }
    case .standardInput, .folder, .image, .shards: nil
    }
  }

  /// Hashes the bytes and counts the line feeds among them.
  func survey() -> (sha256: SHA256Digest, lineFeedCount: Int) {
    var hasher = SHA256Digest.Hasher()
    var lineFeedCount = 0
    let byteCount = withSpan { $0.count }
    for start in stride(from: 0, to: byteCount, by: 1 << 26) {
      let range = start..<min(start + 1 << 26, byteCount)
      withSpan { span in
        let part = span.extracting(range)
        part.withUnsafeBytes { hasher.update($0) }
        for index in part.indices where part[index] == .lineFeed { lineFeedCount += 1 }
      }
      isDone(with: range)
    }
    return (hasher.finalize(), lineFeedCount)
  }

  /// Pages that were read count as this process's memory until it says otherwise.
  func isDone(with range: Range<Int>) {
    if case .file(let file) = source { file.isDone(with: range) }
  }
}
