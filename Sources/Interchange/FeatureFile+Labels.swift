package import Files
internal import Formats
internal import Images
internal import Tensors

extension FeatureFile {
  /// One label for each row.
  ///
  /// - Parameter name: a variable of this file; or another file: `.npy`, `.mat` or `.npz`, with
  ///   `:VARIABLE` after its name where it holds several, or text with one label a line, a blank line
  ///   for a row without one.
  /// - Throws: `InterchangeError`; `labelCount` or `transposed` when there are more or fewer than
  ///   rows.
  package func labels(_ name: String) throws(InterchangeError) -> [ByteString?] {
    let labels: [ByteString?]
    let source: String
    if let own = variables.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
      source = "\(path), \(own.name)"
      labels = try Self.texts(own, source: source)
    } else if Self.exists(name) {
      source = name
      labels = try Self.labels(ofFile: name, variable: nil)
    } else if let colon = name.utf8.lastIndex(of: UInt8(ascii: ":")),
      Self.exists(String(name[..<colon]))
    {
      source = name
      labels = try Self.labels(
        ofFile: String(name[..<colon]), variable: String(name[name.utf8.index(after: colon)...]))
    } else {
      throw variables.isEmpty || format == .npy
        ? .format(.unreadable(.missing(name)))
        : .missingVariable(path: path, name: name, found: contents)
    }
    try check(labelCount: labels.count, of: source)
    return labels
  }

  /// Refuses more or fewer labels than rows.
  ///
  /// - Throws: `InterchangeError.labelCount`, or `.transposed` where there is one for each column.
  package func check(labelCount: Int, of source: String) throws(InterchangeError) {
    if labelCount == rowCount { return }
    throw labelCount == width
      ? .transposed(
        path: source, labels: labelCount, rows: rowCount,
        features: variable.map { "\(path), \($0)," } ?? path)
      : .labelCount(path: source, labels: labelCount, rows: rowCount)
  }

  /// Variables of the file that hold as many elements as there are rows: labels perhaps.
  package var labelCandidates: [String] {
    variables.filter { found in
      switch found.content {
      case .text(let texts): texts.count == rowCount
      case .numbers(let array): array.isVector && array.numbers.count == rowCount
      case .sparse, .other: false
      }
    }.map(\.name)
  }

  private static func exists(_ path: String) -> Bool {
    ((try? FileSystem.byteCount(of: path)) ?? nil) != nil
  }

  private static func labels(
    ofFile path: String, variable: String?
  ) throws(InterchangeError) -> [ByteString?] {
    let file = try reading { () throws(SystemError) in try MappedFile(path) }
    let format: Format
    let variables: [Variable]
    do throws(InterchangeError) { (format, variables) = try open(file) } catch {
      guard case .unknownFormat = error, variable == nil else { throw error }
      return lines(file)
    }
    // A table has a column of labels; a plain list of them may be named so, too.
    if format == .csv {
      let table = try? CSVFile(file, readsValues: false)
      return table?.labels ?? lines(file)
    }
    if variables.isEmpty {  // its name says svmlight: the labels are its first column
      return try readingFormat { () throws(FormatError) in try SVMLightFile(file).labels }
    }
    let vectors = variables.filter { found in
      guard let variable else { return found.isVector }
      return found.name.utf8.elementsEqual(variable.utf8)
    }
    guard vectors.count == 1 else {
      throw variable == nil
        ? .noChoice(
          path: path, what: "the labels", option: "--labels \(path):VARIABLE",
          found: variables.map(\.description))
        : .missingVariable(path: path, name: variable!, found: variables.map(\.description))
    }
    return try texts(vectors[0], source: path)
  }

  /// The elements of a variable as labels.
  private static func texts(
    _ variable: Variable, source: String
  ) throws(InterchangeError) -> [ByteString?] {
    switch variable.content {
    case .text(let texts):
      return texts.map(label)
    case .sparse, .other:
      throw .notALabel(path: source, position: 0, found: variable.description)
    case .numbers(let array):
      guard array.isVector else {
        throw .notALabel(path: source, position: 0, found: "a row of \(array.shapeText) numbers")
      }
      var labels: [ByteString?] = []
      for (position, number) in array.numbers.enumerated() {
        guard let whole = Int(exactly: number) else {
          throw .notALabel(path: source, position: position, found: "\(number)")
        }
        labels.append(ByteString("\(whole)"))
      }
      return labels
    }
  }

  /// White space around a label is none of it, as in an image list; nil where nothing else is there.
  private static func label(_ text: ByteString) -> ByteString? {
    let label = text.trimmed
    return label.bytes.isEmpty ? nil : label
  }

  /// One label a line; CR LF and a byte order mark are accepted.
  private static func lines(_ file: MappedFile) -> [ByteString?] {
    var bytes = file.bytes(0..<file.byteCount)
    if bytes.starts(with: ByteString.byteOrderMark) { bytes.removeFirst(3) }
    if bytes.last == 0x0a { bytes.removeLast() }
    if bytes.isEmpty { return [] }
    return bytes.split(separator: 0x0a, omittingEmptySubsequences: false).map {
      label(ByteString($0))
    }
  }
}
