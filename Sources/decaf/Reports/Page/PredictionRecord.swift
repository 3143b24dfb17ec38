internal import Files

/// A table that `decaf predict` wrote, counted: which classes were taken for which, and a few rows of
/// each kind.
struct PredictionRecord {
  /// A row that is shown.
  struct Example {
    let row: Int
    let path: ByteString
  }

  /// Rows of one class that were taken for another.
  struct Mistake {
    let truth: Int
    let predicted: Int
    let count: Int
    let examples: [Example]
  }

  let path: String
  /// Labels and predictions, in class order.
  let classes: [ByteString]
  /// Rows of the table; those with a prediction; of these, those with a label.
  private(set) var (rowCount, predictedCount) = (0, 0)
  var labelledCount: Int { totals.reduce(0, +) }
  /// By class: labelled rows with a prediction, and those predicted right.
  let totals: [Int]
  let correct: [Int]
  /// A row of each class that was predicted right.
  let rightExamples: [Example?]
  /// By how many rows, the most first.
  let mistakes: [Mistake]

  static let header = Array("row\tpath\tlabel\tpredicted\tscore".utf8)
  private static let examplesPerMistake = 4

  private struct Pair: Hashable {
    let truth: Int
    let predicted: Int
  }

  /// - Throws: `ReportError.damagedTable`.
  init(_ file: MappedFile) throws(ReportError) {
    path = file.path
    var names: [ByteString: Int] = [:]
    var counts: [Pair: (count: Int, examples: [Example])] = [:]
    func index(_ field: ArraySlice<UInt8>) -> Int? {
      guard let text = FieldEscape.decode(field) else { return nil }
      let name = ByteString(text)
      if let known = names[name] { return known }
      names[name] = names.count
      return names.count - 1
    }
    var lines = TableLines(file)
    _ = lines.next()
    while let line = lines.next() {
      let fields = line.split(
        separator: UInt8(ascii: "\t"), maxSplits: 5, omittingEmptySubsequences: false)
      guard fields.count >= 5, let row = Int(String(decoding: fields[0], as: UTF8.self)),
        let location = FieldEscape.decode(fields[1])
      else { throw .damagedTable(path: file.path, line: lines.count) }
      rowCount += 1
      if fields[3].isEmpty { continue }
      predictedCount += 1
      if fields[2].isEmpty { continue }
      guard let truth = index(fields[2]), let predicted = index(fields[3]) else {
        throw .damagedTable(path: file.path, line: lines.count)
      }
      var entry = counts[Pair(truth: truth, predicted: predicted)] ?? (0, [])
      entry.count += 1
      if entry.examples.count < (truth == predicted ? 1 : Self.examplesPerMistake) {
        entry.examples.append(Example(row: row, path: ByteString(location)))
      }
      counts[Pair(truth: truth, predicted: predicted)] = entry
    }
    let classes = ByteString.classes(of: names.keys)
    let places = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
    var place = [Int](repeating: 0, count: classes.count)
    for (name, index) in names { place[index] = places[name]! }
    self.classes = classes
    var totals = [Int](repeating: 0, count: classes.count)
    var correct = totals
    var rightExamples = [Example?](repeating: nil, count: classes.count)
    var mistakes: [Mistake] = []
    for (pair, entry) in counts {
      let (truth, predicted) = (place[pair.truth], place[pair.predicted])
      totals[truth] += entry.count
      if truth == predicted {
        correct[truth] = entry.count
        rightExamples[truth] = entry.examples.first
      } else {
        mistakes.append(
          Mistake(
            truth: truth, predicted: predicted, count: entry.count, examples: entry.examples))
      }
    }
    (self.totals, self.correct, self.rightExamples) = (totals, correct, rightExamples)
    self.mistakes = mistakes.sorted {
      ($1.count, $0.truth, $0.predicted) < ($0.count, $1.truth, $1.predicted)
    }
  }

  /// By true and predicted class.
  var confusion: [Int] {
    var counts = [Int](repeating: 0, count: classes.count * classes.count)
    for (index, count) in correct.enumerated() { counts[index * classes.count + index] = count }
    for mistake in mistakes {
      counts[mistake.truth * classes.count + mistake.predicted] = mistake.count
    }
    return counts
  }
}

/// The lines of a file, read piece by piece.
struct TableLines {
  private let file: MappedFile
  private var offset = 0
  private var piece: [UInt8] = []
  private var position = 0
  /// Lines so far.
  private(set) var count = 0

  private static let pieceSize = 1 << 20

  init(_ file: MappedFile) { self.file = file }

  /// The next line without its line feed; nil at the end.
  mutating func next() -> ArraySlice<UInt8>? {
    while true {
      let rest = piece[position...]
      if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        position = end + 1
        count += 1
        return rest[..<end]
      }
      if offset == file.byteCount {
        position = piece.count
        if rest.isEmpty { return nil }
        count += 1
        return rest
      }
      let range = offset..<min(offset + Self.pieceSize, file.byteCount)
      piece = Array(rest) + file.bytes(range)
      file.isDone(with: range)
      (position, offset) = (0, range.upperBound)
    }
  }
}
