internal import Tensors

/// Finds the rows that may be within the margin, by products in single precision.
///
/// A product's rounding is bounded by the lengths of row and weights, so that a row that is left out is
/// outside the margin for certain; what is found is looked at again in double precision.
struct RowScreen {
  /// A block's rows of a level.
  struct Part: Sendable {
    let block: RowBlock
    /// `‖x‖` of the block's rows, scaled.
    let norms: [Float]
  }

  /// A class's weights.
  struct Weights: Sendable {
    let k: Int
    let weights: [Float]
    let bias: Double
    /// `‖weights‖`.
    let norm: Double
    /// How far the weights that matter may be away from these; see `DualStep.Weights`.
    let roundingNorm: Double
    /// How far the bias that matters may be away from this.
    let biasReach: Double
  }

  private let source: any RowSource
  private let width: Int
  private let context: TrainingContext
  /// For each level this rank's rows; the last level has all.
  let levels: [[Part]]

  /// Rows of the first level at least: about as many as a class needs.
  private static let fewestRows = 250

  init(_ rows: LocalRows, norms: [[Float]], _ context: TrainingContext) {
    (source, width, self.context) = (rows.source, rows.width, context)
    var divisors = [1]
    while rows.rowCount / (4 * divisors[0]) >= Self.fewestRows {
      divisors.insert(4 * divisors[0], at: 0)
    }
    levels = divisors.map { divisor in
      zip(rows.blocks, norms).compactMap { block, norms in
        if divisor == 1 { return Part(block: block, norms: norms) }
        let chosen = block.kept.indices.filter {
          Self.isSampled(block.rows.lowerBound + block.kept[$0], oneOf: divisor)
        }
        if chosen.isEmpty { return nil }
        let part = RowBlock(
          rows: block.rows, kept: chosen.map { block.kept[$0] },
          labels: chosen.map { block.labels[$0] }, weights: chosen.map { block.weights[$0] })
        part.scales = chosen.map { block.scales[$0] }
        return Part(block: part, norms: chosen.map { norms[$0] })
      }
    }
  }

  /// By multiples of the golden ratio, whose fractions spread evenly over every stretch of rows; a level
  /// contains those before.
  private static func isSampled(_ row: Int, oneOf divisor: Int) -> Bool {
    UInt64(row) &* 0x9E37_79B9_7F4A_7C15 <= UInt64.max / UInt64(divisor)
  }

  /// This rank's rows of a level, as rows of the source.
  func rows(level: Int) -> [Int] {
    levels[level].flatMap { part in
      part.block.kept.map { part.block.rows.lowerBound + $0 }
    }
  }

  /// For each of the classes this rank's rows of the level that may be within the margin, ascending.
  func candidates(level: Int, _ classes: [Weights]) throws -> [[Int]] {
    let parts = levels[level]
    let packed = PackedMatrix<Float>()
    let (source, width, kernels) = (source, width, context.kernels)
    let workspaces = context.workspaces
    kernels.pack(
      classes.flatMap(\.weights).span, .init(leadingDimension: width, isTransposed: true),
      depth: width, columns: classes.count, into: packed)
    let unit = Self.productRounding(width: width)
    // How far a row's margin may be from the one computed here: these, times its length, plus that.
    let reaches = classes.map { $0.norm * unit + $0.roundingNorm * (1 + unit) }
    let bounds = classes.map { 1 + $0.biasReach + 1e-12 * (1 + abs($0.bias)) }
    let found = try context.team.throwingMap(parts.count) { index, worker -> [[Int32]] in
      let (block, norms) = (parts[index].block, parts[index].norms)
      let room = workspaces[worker].single
      room.product.reserve(block.count * classes.count)
      try block.withFeatures(of: source, workspaces[worker]) { features in
        kernels.multiply(
          rows: block.count, features, .init(leadingDimension: width), packed,
          into: &room.product, .init(leadingDimension: classes.count))
      }
      var found = [[Int32]](repeating: [], count: classes.count)
      for i in 0..<block.count {
        let (label, scale, norm) = (Int(block.labels[i]), block.scales[i], Double(norms[i]))
        for c in classes.indices {
          let logit = Double(room.product[i * classes.count + c]) * scale + classes[c].bias
          let margin = classes[c].k == label ? logit : -logit
          // Also where it is no number.
          if !(margin >= bounds[c] + norm * reaches[c]) { found[c].append(Int32(block.kept[i])) }
        }
      }
      return found
    }
    return classes.indices.map { c in
      zip(parts, found).flatMap { part, found in
        found[c].map { part.block.rows.lowerBound + Int($0) }
      }
    }
  }

  /// How far a product in single precision may be from the exact one, in units of the product of lengths:
  /// by the usual bound `n·u / (1 − n·u)` of chains of n roundings (Higham, “Accuracy and stability of
  /// numerical algorithms”, 2002, section 3.1), and by Cauchy and Schwarz.
  static func productRounding(width: Int) -> Double {
    let slab = TrainingKernels.productSlab
    let chain = Double(min(width, slab) + (width + slab - 1) / slab + 3)
    return chain * 0x1p-24 / (1 - chain * 0x1p-24)
  }
}
