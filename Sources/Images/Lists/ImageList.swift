package import Files
internal import Glibc

/// The images of a job: a text file or a folder of class folders, read in place.
///
/// Entry i is row i of the store. The list's text stays on disk and is mapped; memory is eight bytes
/// an entry. The formats:
/// - a path per line, or `path label`, split at the last white space unless what follows ends like an
///   image's file name;
/// - `.tsv` or `.csv` with a header naming the columns `path`, `label`, `x`, `y`, `width`, `height`
///   (pixels of the upright image), of which only `path` must be there;
/// - a folder: the images of each folder in it, labelled with that folder's name;
/// - an image: a list of that one.
///
/// Where the list changes meanwhile, entries may be anything: who has used some of them calls
/// `requireUnchanged()` before anything is made of them. A folder is read once.
///
/// Blank lines and lines starting with `#` are skipped; CR LF and a byte order mark are accepted.
/// White space around a label is none of it.
package struct ImageList: Sendable {
  /// One image of the list.
  package struct Entry: Hashable, Sendable {
    /// As written in the list.
    package let path: ByteString
    /// Nil when the list gives none.
    package let label: ByteString?
    /// The part of the upright image to use; nil for all of it.
    package let box: Box?
    /// Why the entry cannot be used although its line is well-formed: the message of a failed row.
    package let defect: String?
  }

  /// The file or folder that the list was read from.
  package let path: String
  /// The folder that relative paths start from; empty for the working folder.
  package let root: ByteString
  /// Of the list's bytes; for a folder, of `ClassFolders.canonicalText`.
  package let sha256: SHA256Digest

  /// What is in a folder of class folders and yet in no class; empty for a list.
  package let notes: [String]

  private let text: Text
  private let index: ListIndex

  /// Reads a list file or a folder.
  ///
  /// - Parameter root: the folder that relative paths start from; default: the list's own folder.
  /// - Throws: `ImageListError`, with the line where the first problem is.
  /// - Complexity: two passes over the text.
  package init(contentsOf path: String, root: String? = nil) throws(ImageListError) {
    let text: Text
    let found: MappedFile?
    do throws(SystemError) {
      found = try MappedFile(path)
    } catch {
      guard error.code == EISDIR else { throw .unreadable(error) }
      found = nil
    }
    if let found {
      text = try SingleImage.canonicalText(found).map { .image($0) } ?? .file(found)
      notes = []
    } else {
      let folder = try ClassFolders(path)
      text = .folder(folder.canonicalText)
      notes = folder.notes
    }
    self.path = path
    self.text = text
    let own = path.contains("/") ? FileSystem.folder(of: path) : ""
    self.root = ByteString(root ?? (text.isFolder ? path : own))
    let survey = text.survey()
    sha256 = survey.sha256
    index = try text.withSpan { span throws(ImageListError) in
      try ListIndex(
        span, path: path,
        format: text.isMade
          ? TableList(nameEnding: ".tsv") : ListFormats.format(ofListNamed: path),
        lineLimit: survey.lineFeedCount + 1, isDone: text.isDone(with:))
    }
    guard !index.starts.isEmpty else { throw .empty(path: path, isFolder: text.isFolder) }
  }

  package var count: Int { index.starts.count }

  /// The distinct labels in class order, see `ByteString.classes(of:)`.
  package var classes: [ByteString] { index.classes }

  /// Entries that have a label.
  package var labelledCount: Int { index.labelledCount }

  package var hasLabels: Bool { labelledCount > 0 }

  package subscript(row: Int) -> Entry {
    let start = index.starts[row]
    return text.withSpan { span in
      // No further than the next entry: in a list that changed there may be no end.
      let end = row + 1 < count ? index.starts[row + 1] : span.count
      let span = span.extracting(start..<end)
      do throws(ImageListError.Problem) {
        let line = span.extracting(try index.format.entry(in: span, from: 0).text)
        return Entry(line, try index.format.fields(of: line), index.format)
      } catch { return Entry(defect: "the list changed while in use") }
    }
  }

  /// Compares the list's file with the one that was opened.
  ///
  /// - Throws: `InputChangedError`: entries read since the last call may be those of another list.
  package func requireUnchanged() throws(InputChangedError) {
    if case .file(let file) = text { try file.input.requireUnchanged() }
  }

  /// Compares the text, too, all of which is read again: before a result names the list by its hash.
  ///
  /// - Throws: as `requireUnchanged`.
  package func requireSameText() throws(InputChangedError) {
    guard case .file = text else { return }
    let isSame = text.survey().sha256 == sha256
    try requireUnchanged()
    if !isSame { throw InputChangedError(path: path, change: "its SHA-256 is another") }
  }

  /// `root` as an absolute path without symbolic links; nil when all paths are absolute, and it is
  /// nothing to them.
  package var absoluteRoot: String? {
    index.hasRelativePaths
      ? FileSystem.absolute(String(decoding: root.bytes, as: UTF8.self)) : nil
  }

  /// Where the file of `entry` is: its path, after `root` unless it is absolute.
  package func location(of entry: Entry) -> ByteString {
    if root.bytes.isEmpty || entry.path.bytes.first == .slash { return entry.path }
    return ByteString(root.bytes + (root.bytes.last == .slash ? [] : [.slash]) + entry.path.bytes)
  }
}

extension ImageList {
  /// The bytes of a list.
  private enum Text: Sendable {
    case file(MappedFile)
    case folder([UInt8])
    case image([UInt8])

    var isFolder: Bool { if case .folder = self { true } else { false } }

    /// Whether it is a table that stands for something else than a list file.
    var isMade: Bool { if case .file = self { false } else { true } }

    func withSpan<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
      switch self {
      case .folder(let bytes), .image(let bytes): try body(bytes.span)
      case .file(let file):
        try file.withBytes { bytes throws(E) in
          try body(bytes.assumingMemoryBound(to: UInt8.self).span)
        }
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
      if case .file(let file) = self { file.isDone(with: range) }
    }
  }
}

extension ImageList.Entry {
  /// One that cannot be read.
  fileprivate init(defect: String) {
    (path, label, box, self.defect) = (ByteString(""), nil, nil, defect)
  }

  init(_ line: Span<UInt8>, _ fields: ListFields, _ format: any ListFormat) {
    func bytes(_ range: Range<Int>) -> [UInt8] {
      format.bytes(of: range, in: line)
    }
    path = ByteString(bytes(fields.path))
    label = format.label(fields, in: line)

    let sides = fields.box.map { ByteString(bytes($0)).description }
    box = Box(sides)
    if path.bytes.contains(0) {
      defect = "the path holds a zero byte"
    } else if !sides.allSatisfy(\.isEmpty) && box == nil {
      defect = "invalid box: “\(sides.joined(separator: " "))”, expected four numbers of pixels"
    } else if let box, box.isEmpty {
      defect = "empty box: \(box)"
    } else {
      defect = nil
    }
  }
}

extension Box {
  /// The pixels that a box given by `x`, `y`, `width` and `height` touches; nil unless all four are
  /// numbers below a billion.
  fileprivate init?(_ sides: [String]) {
    let numbers = sides.compactMap(Double.init).filter { abs($0) < 1e9 }
    guard sides.count == 4, numbers.count == 4 else { return nil }
    let (x, y) = (numbers[0].rounded(.down), numbers[1].rounded(.down))
    self.init(
      x: Int(x), y: Int(y),
      width: numbers[2] > 0 ? Int((numbers[0] + numbers[2]).rounded(.up) - x) : 0,
      height: numbers[3] > 0 ? Int((numbers[1] + numbers[3]).rounded(.up) - y) : 0)
  }
}
