internal import Tensors

/// The logits of some classes on all rows that any of them looks at, as one product.
///
/// Where most rows are within most classes' margins, as in the first rounds on few rows, that takes less
/// time than a product for each row and class by itself: features are read and widened once for all.
struct BatchLogits: Sendable {
  /// Without bias and scale, for each class, rows in pieces.
  private let exact: [[Double]]
  /// What rounding the weights adds to that.
  private let differences: [[Float]]
  /// Where each row of the source stands; −1 for rows that no class looks at.
  private let positions: [Int32]
  private let classCount: Int

  /// Rows that a thread takes at a time.
  private static let pieceRows = 64
  /// The largest product, in elements.
  private static let memoryLimit = 1 << 25

  /// Whether one product is quicker: from an eighth of all rows and classes on.
  ///
  /// - Parameters:
  ///   - candidateCount: rows within a class's margin, over all classes and ranks: the two ways round
  ///     otherwise, and all ranks must take the same.
  ///   - rowCount: rows of the level.
  static func isWorthwhile(candidateCount: Int, rowCount: Int, classCount: Int) -> Bool {
    8 * candidateCount >= rowCount * classCount && rowCount * classCount <= memoryLimit
  }

  /// - Parameters:
  ///   - rowsOfClass: for each class the rows that it looks at; the working rows hold them.
  ///   - weights: of each class.
  init(
    _ rowsOfClass: [[Int]], _ weights: [DualStep.Weights], _ working: WorkingRows,
    _ team: ThreadTeam
  ) {
    var positions = [Int32](repeating: -1, count: working.sourceCount)
    for row in rowsOfClass.joined() { positions[row] = 0 }
    var slots: [Int] = []
    for row in positions.indices where positions[row] == 0 {
      positions[row] = Int32(slots.count)
      slots.append(working.slot(of: row))
    }
    let (all, count, cache) = (slots, weights.count, working.cache)
    let wide = weights.flatMap(\.exact)
    // So small beside the weights that single precision leaves nothing to be seen of the product.
    let narrow = weights.flatMap { one in
      zip(one.rounded, one.exact).map { Float(Double($0) - $1) }
    }
    let pieces = stride(from: 0, to: all.count, by: Self.pieceRows).map {
      $0..<min($0 + Self.pieceRows, all.count)
    }
    let products = team.map(pieces.count) { piece, _ in
      let some = all[pieces[piece]]
      return (
        cache.dots(some, wide, columns: count), cache.dots(some, narrow, columns: count)
      )
    }
    exact = products.map(\.0)
    differences = products.map(\.1)
    (self.positions, classCount) = (positions, count)
  }

  /// A row's product with the weights of a class, and with those rounded.
  ///
  /// - Parameter index: of the class, among those given.
  func products(row: Int, class index: Int) -> (exact: Double, rounded: Double) {
    let position = Int(positions[row])
    let (piece, place) = (position / Self.pieceRows, position % Self.pieceRows)
    let at = place * classCount + index
    return (exact[piece][at], exact[piece][at] + Double(differences[piece][at]))
  }
}
