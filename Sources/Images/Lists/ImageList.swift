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
/// - `.jsonl`: an object a line with these keys;
/// - any of these compressed by gzip (`.gz`), whose text is held in memory;
/// - `-`: standard input, read to its end; what it is shows in its first line;
/// - `.tar`: WebDataset's shards, one or many (`train-{000..127}.tar`), whose images are read in place;
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
    /// Where the image is in a tar shard; nil for a file.
    let place: TarShards.Place?
  }

  /// The file or folder that the list was read from.
  package let path: String
  /// The folder that relative paths start from; empty for the working folder.
  package let root: ByteString
  /// Of the list's bytes; for a folder, of `ClassFolders.canonicalText`.
  package let sha256: SHA256Digest

  /// What is in a folder of class folders and yet in no class; empty for a list.
  package let notes: [String]

  private let text: ListText
  /// Where the images are in tar shards; nil for a list of files.
  private let shards: TarShards?
  private let index: ListIndex

  /// Reads a list file or a folder.
  ///
  /// - Parameter root: the folder that relative paths start from; default: the list's own folder.
  /// - Throws: `ImageListError`, with the line where the first problem is.
  /// - Complexity: two passes over the text.
  package init(contentsOf path: String, root: String? = nil) throws(ImageListError) {
    let text = try ListText(path)
    self.text = text
    notes = text.notes
    self.path = path
    shards = text.shards
    let own = path.contains("/") ? FileSystem.folder(of: path) : ""
    self.root = ByteString(root ?? (text.isFolder ? path : own))
    let survey = text.survey()
    sha256 = survey.sha256
    index = try text.withSpan { span throws(ImageListError) in
      try ListIndex(
        span, path: path, format: text.format(ofListNamed: path),
        lineLimit: survey.lineFeedCount + 1,
        isDone: text.isDone(with:))
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
        return Entry(
          line, try index.format.fields(of: line), index.format, place: shards?.places[row])
      } catch { return Entry(defect: "the list changed while in use") }
    }
  }

  /// Compares the list's file, or its shards, with what was opened.
  ///
  /// - Throws: `InputChangedError`: entries read since the last call may be those of another list.
  package func requireUnchanged() throws(InputChangedError) {
    try text.requireUnchanged()
  }

  /// Compares the text, too, all of which is read again: before a result names the list by its hash.
  ///
  /// - Throws: as `requireUnchanged`.
  package func requireSameText() throws(InputChangedError) {
    let current = text.currentSHA256()
    try requireUnchanged()
    if let current, current != sha256 {
      throw InputChangedError(path: path, change: "its SHA-256 is another")
    }
  }

  /// `root` as an absolute path without symbolic links; nil when all paths are absolute, and it is
  /// nothing to them.
  package var absoluteRoot: String? {
    index.hasRelativePaths
      ? FileSystem.absolute(String(decoding: root.bytes, as: UTF8.self)) : nil
  }

  /// Where the image of `entry` is, for `ImageFile`: a file's path, after `root` unless it is absolute,
  /// or a place in a tar shard below `root`.
  package func location(of entry: Entry) -> ByteString {
    guard let shards, let place = entry.place else { return belowRoot(entry.path) }
    return ImageFile.location(
      of: place.offset, count: place.count, in: belowRoot(shards.names[Int(place.shard)]))
  }

  private func belowRoot(_ path: ByteString) -> ByteString {
    if root.bytes.isEmpty || path.bytes.first == .slash { return path }
    return ByteString(root.bytes + (root.bytes.last == .slash ? [] : [.slash]) + path.bytes)
  }
}

extension ImageList.Entry {
  /// One that cannot be read.
  fileprivate init(defect: String) {
    (path, label, box, self.defect, place) = (ByteString(""), nil, nil, defect, nil)
  }

  init(
    _ line: Span<UInt8>, _ fields: ListFields, _ format: any ListFormat,
    place: TarShards.Place? = nil
  ) {
    self.place = place
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
