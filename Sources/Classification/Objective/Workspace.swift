internal import Tensors

/// Room that one thread of the team computes in.
final class Workspace: @unchecked Sendable {
  // Invariant behind `@unchecked`: each thread of the team uses the one of its own number.

  /// A block's features as the source gives them, and those of its kept rows.
  var rows: [Float] = []
  var keptRows: [Float] = []
  /// What is multiplied with the features: `kept×A`, row-major.
  var residuals: [Double] = []
  /// Probabilities times the roots of the rows' weights, `kept×K`.
  var roots: [Float] = []
  /// Logits of the weights to certify, `kept×K`.
  var primalLogits: [Double] = []
  /// Largest magnitude seen in each column.
  var columnBounds: [Float] = []
  /// Sums of `Rᵀ·X`, A×D.
  var sum: FixedPointSum?
  /// Sums of `Pᵀ·P`, K×K.
  var curvature: FixedPointSum?
  let single = ProductWorkspace<Float>()
  let double = ProductWorkspace<Double>()
}

/// Room for matrix products in one precision.
final class ProductWorkspace<Element: BinaryFloatingPoint & BitwiseCopyable> {
  /// Features of a tile of columns.
  var rows: [Element] = []
  /// The left factor, rows and columns exchanged.
  var transposed: [Element] = []
  var product: [Element] = []
  /// The right factor.
  let packed = PackedMatrix<Element>()
}

/// What products with the features are made in; sums are exact in either.
enum Precision: Sendable {
  /// Twice as fast; what its rounding hides, `LBFGSSolver` finds in double precision.
  case single
  case double
}

extension Array where Element: Numeric {
  /// Makes the array at least `count` long, its contents undefined.
  mutating func reserve(_ count: Int) {
    if self.count < count { self = [Element](repeating: 0, count: count) }
  }
}
