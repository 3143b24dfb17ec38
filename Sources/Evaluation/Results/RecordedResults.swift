internal import Files
package import Plotting
internal import Tensors

/// The results of an evaluation as its folder has them, for who draws them again.
package struct RecordedResults: Sendable {
  /// A method in a column.
  package struct Cell: Sendable {
    package let method: String
    /// Of several tables, the one it stands in; empty where there is one.
    package let group: String
    package let column: String
    /// Per cent.
    package let accuracy: Double
    package let deviation: Double?
    package let published: (accuracy: Double, deviation: Double?)?
    /// Test rows of each class predicted right, and in all, over all splits.
    package let correct: [Int]
    package let tested: [Int]

    /// Of the published number, `84.30 ± 1.6`.
    package var publishedText: String? {
      published.map { Self.text($0.accuracy, $0.deviation, decimals: 2) }
    }

    /// `84.3 ± 1.6`
    package var text: String { Self.text(accuracy, deviation, decimals: 1) }

    fileprivate static func text(_ value: Double, _ deviation: Double?, decimals: Int) -> String {
      EvaluationResult.fixed(value, decimals)
        + (deviation.map { " ± \(EvaluationResult.fixed($0, 1))" } ?? "")
    }
  }

  /// A published number of what was not tried.
  package struct Baseline: Sendable {
    package let method: String
    package let group: String
    package let column: String
    package let text: String
  }

  package let path: String
  package let title: String
  package let splitCount: Int
  package let isFewShot: Bool
  package let classes: [String]
  package let cells: [Cell]
  package let baselines: [Baseline]
  package let departures: [String]
  package let unconverged: Int
  /// Of the stores, by the protocol's names for them.
  package let fingerprints: [String: String]
  /// By true and predicted class, of `best`; nil where `confusion.tsv` does not fit the rest.
  package let confusion: [Int]?

  /// - Throws: `EvaluationError.unreadableResults`; `SystemError` where there is no `results.json`.
  package init(_ path: String) throws {
    let json = try ResultsFolder(path).json
    let record: Record
    do { record = try json.decoded(Record.self) } catch {
      throw EvaluationError.unreadableResults(path: path, problem: "\(error)")
    }
    self.path = path
    title = record.protocol.title
    splitCount = record.protocol.splits
    isFewShot = record.protocol.kind == "few-shot"
    classes = record.classes
    let classCount = classes.count
    guard classCount > 0, !record.cells.isEmpty,
      record.cells.allSatisfy({ cell in
        cell.splits.allSatisfy { $0.correct.count == classCount && $0.tested.count == classCount }
      })
    else {
      throw EvaluationError.unreadableResults(
        path: path, problem: "its cells are not those of its classes")
    }
    cells = record.cells.map(\.cell)
    baselines = record.baselines.map {
      Baseline(
        method: $0.method, group: $0.group, column: $0.column,
        text: Cell.text($0.accuracy, $0.deviation, decimals: 2))
    }
    departures = record.departures
    unconverged = record.unconverged
    fingerprints = record.stores
    confusion = Self.confusion("\(path)/confusion.tsv", classes)
  }

  /// The method that the confusion is of: the best at the most training rows, or in any column.
  package var best: Cell {
    let last = cells.last!.column
    let candidates = isFewShot ? cells.filter { $0.column == last } : cells
    return candidates[candidates.map(\.accuracy).indexOfLargest()]
  }

  /// What `best` is, for people.
  package var bestHeading: String {
    let cell = best
    let column =
      isFewShot
      ? "\(cell.column) training image\(cell.column == "1" ? "" : "s") a class"
      : [cell.group, cell.column].filter { !$0.isEmpty }.joined(separator: " ")
    return "\(cell.method), \(column)"
  }

  /// The learning curve; nil for protocols without one.
  package var curve: LearningCurve? {
    let columns = Self.inOrder(cells.map(\.column))
    guard isFewShot, columns.count > 1, columns.allSatisfy({ Double($0) != nil }) else {
      return nil
    }
    let lines = Self.inOrder(cells.map(\.method)).map { method -> EvaluationCurve.Line in
      let own = cells.filter { $0.method == method }
      return (
        method,
        own.map { .init(x: Double($0.column)!, y: $0.accuracy, deviation: $0.deviation) },
        own.compactMap { cell in
          cell.published.map {
            .init(x: Double(cell.column)!, y: $0.accuracy, deviation: $0.deviation)
          }
        }
      )
    }
    return EvaluationCurve.make(
      title: title, splitCount: splitCount, lines: lines, departures: departures)
  }

  /// Each once, in the order they come first.
  package static func inOrder(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  private static func confusion(_ path: String, _ classes: [String]) -> [Int]? {
    guard let file = try? MappedFile(path) else { return nil }
    let lines = file.bytes(0..<file.byteCount).split(separator: UInt8(ascii: "\n"))
    guard lines.count == classes.count + 1 else { return nil }
    var counts: [Int] = []
    for (name, line) in zip(classes, lines.dropFirst()) {
      let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
      let numbers = fields.dropFirst().compactMap { Int(String(decoding: $0, as: UTF8.self)) }
      guard FieldEscape.decode(fields[0]) == Array(name.utf8), numbers.count == classes.count,
        numbers.allSatisfy({ 0...1 << 48 ~= $0 })
      else { return nil }
      counts += numbers
    }
    return counts
  }
}

/// `results.json`, as far as it is drawn.
private struct Record: Decodable {
  let `protocol`: Design
  let classes: [String]
  let cells: [Cell]
  let baselines: [Baseline]
  let departures: [String]
  let unconverged: Int
  let stores: [String: String]

  struct Design: Decodable {
    let title: String
    let kind: String
    let splits: Int
  }

  struct Cell: Decodable {
    let layer: String
    let loss: String
    let dropout: Double
    let group: String
    let column: String
    let accuracy: Double
    let deviation: Double?
    let paper: Published?
    let splits: [Split]

    var cell: RecordedResults.Cell {
      func sum(_ counts: (Split) -> [Int]) -> [Int] {
        splits.dropFirst().reduce(splits.first.map(counts) ?? []) { sums, split in
          zip(sums, counts(split)).map { $0 + $1 }
        }
      }
      return .init(
        method: Method.description(layer: layer, loss: loss, dropout: dropout), group: group,
        column: column, accuracy: accuracy, deviation: deviation,
        published: paper.map { ($0.accuracy, $0.deviation) }, correct: sum(\.correct),
        tested: sum(\.tested))
    }
  }

  struct Published: Decodable {
    let accuracy: Double
    let deviation: Double?
  }

  struct Split: Decodable {
    let correct: [Int]
    let tested: [Int]
  }

  struct Baseline: Decodable {
    let method: String
    let group: String
    let column: String
    let accuracy: Double
    let deviation: Double?
  }
}
