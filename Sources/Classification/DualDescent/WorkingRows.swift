internal import Tensors

/// The rows that the classes of one rank work on: in place in mapped files, or copies.
///
/// What a class needs is few rows, of any rank's blocks, read again and again in changing order.
final class WorkingRows: @unchecked Sendable {
  // Invariant behind `@unchecked`: `require` is called outside loops of the team; loops only read.

  /// What is known of a row.
  struct Facts {
    /// Its class of training, and how much its loss counts.
    var label: Int
    var weight: Double
    /// The factor of its features.
    var scale: Double
    /// `‖x − m‖²` and `m·x`, x the scaled row and m the centre.
    var squaredNorm: Double
    var centreProduct: Double
  }

  /// Rows that are copied at most, unless more are required at once; 1 GiB of features.
  let mostRows: Int
  let cache: CachedRows
  private let rows: LocalRows
  private let context: TrainingContext
  /// What is subtracted from every row; zero where the bias is regularized.
  private let centre: [Double]
  private let squaredCentre: Double
  /// The slots of all rows of the source plus 1, 0 for none: by pages of rows, empty until one is used.
  private var pages: [[Int32]]
  private static let pageRows = 4096
  private var facts: [Facts] = []
  private let classOfLabel: [Int]
  /// Whether rows are used where they are stored.
  private let isInPlace: Bool

  init(_ rows: LocalRows, centre: [Double], _ context: TrainingContext) {
    (self.rows, self.context, self.centre) = (rows, context, centre)
    squaredCentre = centre.reduce(0) { $0 + $1 * $1 }
    pages = [[Int32]](repeating: [], count: rows.source.rowCount / Self.pageRows + 1)
    cache = CachedRows(width: rows.width, context.kernels)
    mostRows = max(1, (1 << 28) / max(rows.width, 1))
    var classes = [Int](repeating: -1, count: rows.source.classNames.count)
    for (k, label) in rows.classes.enumerated() { classes[label] = k }
    classOfLabel = classes
    isInPlace = rows.source.rowCount > 0 && rows.source.place(of: 0) != nil
  }

  /// How many of some rows would have to be copied.
  func missingCount(_ some: [Int]) -> Int {
    isInPlace ? 0 : some.count { slot(of: $0) < 0 }
  }

  /// Those of some rows that are not here yet, ascending.
  func missing(_ some: [Int]) -> [Int] { Set(some.filter { slot(of: $0) < 0 }).sorted() }

  /// Rows of the source.
  var sourceCount: Int { rows.source.rowCount }

  /// Rows copied.
  var count: Int { cache.copyCount }

  func removeAll() {
    cache.removeAll()
    pages = pages.map { _ in [] }
    facts = []
  }

  /// Takes in rows of the source that are not here yet.
  func require(_ some: [Int]) throws {
    let missing = missing(some)
    if missing.isEmpty { return }
    let first = facts.count
    var copied: [Int] = []
    for (i, row) in missing.enumerated() {
      let page = row / Self.pageRows
      if pages[page].isEmpty { pages[page] = [Int32](repeating: 0, count: Self.pageRows) }
      pages[page][row % Self.pageRows] = Int32(first + i + 1)
      if cache.append(rows.source.place(of: row)) { copied.append(row) }
    }
    let runs = Self.pieces(copied)
    let (source, width) = (rows.source, rows.width)
    let workspaces = context.workspaces
    try context.team.forEach(runs.count) { index, worker in
      try source.withRows(runs[index], scratch: &workspaces[worker].rows) { features in
        for (i, row) in runs[index].enumerated() {
          cache.set(self.slot(of: row), to: features.extracting(i * width..<(i + 1) * width))
        }
      }
    }
    facts += context.team.map(missing.count) { i, _ in measured(missing[i], first + i) }
  }

  /// Where a row is kept; negative for nowhere.
  func slot(of row: Int) -> Int {
    let page = pages[row / Self.pageRows]
    return page.isEmpty ? -1 : Int(page[row % Self.pageRows]) - 1
  }

  func facts(_ slot: Int) -> Facts { facts[slot] }

  private func measured(_ row: Int, _ slot: Int) -> Facts {
    var label = -1
    if case .labelled(let name) = rows.source.use(of: row) { label = classOfLabel[name] }
    precondition(label >= 0, "a row without a class")
    let plain = cache.squaredNorm(slot)
    let scale = rows.normalization == .none ? 1 : rows.normalization.scale(squaredNorm: plain)
    var facts = Facts(
      label: label, weight: rows.source.weight(of: row) * rows.classFactors[label], scale: scale,
      squaredNorm: plain * scale * scale, centreProduct: 0)
    if squaredCentre > 0 {
      facts.centreProduct = cache.dot(slot, centre) * scale
      // Not below the truth by what rounding leaves of the difference: steps would be too long.
      facts.squaredNorm =
        max(0, facts.squaredNorm - 2 * facts.centreProduct + squaredCentre)
        + 1e-14 * (facts.squaredNorm + squaredCentre)
    }
    return facts
  }

  /// Runs of rows next to each other, none long.
  private static func pieces(_ rows: [Int]) -> [Range<Int>] {
    SelectedRows.runs(rows).flatMap { run in
      stride(from: run.lowerBound, to: run.upperBound, by: 64).map {
        $0..<min($0 + 64, run.upperBound)
      }
    }
  }
}
