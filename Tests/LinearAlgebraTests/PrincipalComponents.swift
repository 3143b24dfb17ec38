import Tensors

@testable import LinearAlgebra

/// The directions in which rows vary most, and the rows' coordinates along them: of all rows at once, the
/// slow twin of `StreamedComponents`.
///
/// For rows `A` less their mean: where one side is short, the singular value decomposition of `A`;
/// else the largest eigenvalues of the smaller of `A·Aᵀ` and `Aᵀ·A` (Jolliffe, *Principal Component
/// Analysis*, 2002, section 3.5). In double precision. The result depends on the processor, through
/// OpenBLAS, but neither on threads nor on the signs that LAPACK happens to choose.
struct PrincipalComponents: Sendable {
  /// `rows×count`, row-major: the coordinates of each row.
  private(set) var coordinates: [Double]
  /// Each direction's share of the variance, descending.
  private(set) var shares: [Double]
  /// Directions found: fewer than asked for where the rows do not vary in so many.
  var count: Int { shares.count }

  /// Up to this length of the shorter side the singular value decomposition takes under a second.
  private static let longestDecomposed = 256

  /// A share of the variance that rounding alone may have.
  private static let smallestShare = 1e-12

  /// - Parameters:
  ///   - rows: `rowCount×width`, row-major, finite.
  ///   - count: directions wanted.
  /// - Throws: `LinearAlgebraError`.
  init(
    _ rows: [Double], width: Int, count: Int, team: ThreadTeam
  ) throws(LinearAlgebraError) {
    precondition(width > 0 && rows.count % width == 0 && count > 0, "no matrix")
    let centred = CentredRows(rows, width: width, team: team)
    (coordinates, shares) = ([], [])
    if centred.variance == 0 { return }
    let wanted = min(count, centred.rowCount, width)
    let directions: [(direction: [Double], variance: Double)] =
      min(centred.rowCount, width) <= Self.longestDecomposed
      ? try centred.decomposed(wanted) : try centred.eigenvectors(wanted)
    let found = directions.filter { $0.variance > Self.smallestShare * centred.variance }
    shares = found.map { $0.variance / centred.variance }
    let turned = found.flatMap { Self.turned($0.direction) }
    coordinates = found.isEmpty ? [] : centred.products(with: turned, count: found.count)
  }

  /// The direction or its opposite, whichever has its largest component positive.
  private static func turned(_ direction: [Double]) -> [Double] {
    let largest = direction.indices.max { abs(direction[$0]) < abs(direction[$1]) }!
    return direction[largest] < 0 ? direction.map { -$0 } : direction
  }
}
