import Tensors
import Testing

@Suite struct SymmetricMatrixTests {
  /// `X·Xᵀ` of random rows, by the definition.
  private static func products(_ rows: [[Double]]) -> SymmetricMatrix {
    var matrix = SymmetricMatrix(size: rows.count)
    let all = rows.flatMap { a in rows.map { b in zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } } }
    matrix.set(all, rows: 0..<rows.count, columns: 0..<rows.count)
    return matrix
  }

  private static func randomRows(_ count: Int, width: Int, seed: UInt64) -> [[Double]] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in (0..<width).map { _ in Double(generator.normal()) + 3 } }
  }

  @Test func tilesAreMirrored() {
    var matrix = SymmetricMatrix(size: 3)
    matrix.set([1, 9, 2, 3], rows: 0..<2, columns: 0..<2)
    matrix.set([4, 5], rows: 2..<3, columns: 0..<2)
    matrix.set([6], rows: 2..<3, columns: 2..<3)
    #expect(matrix.elements == [1, 2, 4, 2, 3, 5, 4, 5, 6])
  }

  @Test func scalingIsThatOfTheRows() {
    let rows = Self.randomRows(7, width: 5, seed: 1)
    var matrix = Self.products(rows)
    let factors = (0..<7).map { 1 / Double($0 + 1) }
    matrix.scale(by: factors)
    matrix.add(2)
    let expected = Self.products(zip(rows, factors).map { row, factor in row.map { $0 * factor } })
    for (a, b) in zip(matrix.elements, expected.elements) { #expect(abs(a - b - 2) < 1e-13) }
    for i in 0..<7 { for j in 0..<7 { #expect(matrix[i, j] == matrix[j, i]) } }
  }

  @Test func combinationIsTheProductWithAVector() {
    let matrix = Self.products(Self.randomRows(6, width: 9, seed: 2))
    let sum = matrix.combination(of: [1, 4], [2, -0.5], at: Array(0..<6))
    for j in 0..<6 { #expect(abs(sum[j] - (2 * matrix[1, j] - 0.5 * matrix[4, j])) < 1e-12) }
    // More than four rows, and some elements only.
    let coefficients = [1.0, -2, 3, 0.5, 4, -1]
    let some = matrix.combination(of: Array(0..<6), coefficients, at: [4, 2])
    for j in 0..<6 {
      let whole = (0..<6).reduce(0) { $0 + coefficients[$1] * matrix[$1, j] }
      #expect(abs(some[j] - ([2, 4].contains(j) ? whole : 0)) < 1e-12)
    }
    #expect(matrix.combination(of: [], [], at: [1]) == [Double](repeating: 0, count: 6))
  }

  /// Beyond the library's own block sizes, where it divides the matrix.
  @Test(arguments: [1, 2, 33, 200])
  func factorSolvesSomeRowsOfTheMatrix(_ size: Int) throws {
    let matrix = Self.products(Self.randomRows(size + 5, width: 40, seed: 3))
    let rows = (0..<size).map { $0 + ($0 > size / 2 ? 5 : 0) }
    let factor = try #require(
      PositiveDefiniteFactor(matrix, rows: rows, ridges: rows.map { _ in 0.5 }))
    let right = Self.randomRows(size, width: 3, seed: 4).flatMap(\.self)
    var x = right
    factor.solve(&x, count: 3)
    for i in 0..<size {
      for c in 0..<3 {
        var sum = 0.5 * x[i * 3 + c]
        for j in 0..<size { sum += matrix[rows[i], rows[j]] * x[j * 3 + c] }
        #expect(abs(sum - right[i * 3 + c]) < 1e-9)
      }
    }
  }

  /// As by blocks, up to rounding; from what a checkpoint keeps, to the bit.
  @Test(arguments: [1, 2, 7, 70])
  func factorMadeRowByRowSolvesTheMatrix(_ size: Int) throws {
    var matrix = Self.products(Self.randomRows(size, width: 2 * size, seed: 5))
    matrix.add(0.1)
    let factor = try #require(PositiveDefiniteFactor(rowByRow: matrix.elements, size: size))
    let right = Self.randomRows(size, width: 1, seed: 6).flatMap(\.self)
    let x = factor.solve(right)
    for i in 0..<size {
      let sum = (0..<size).reduce(0) { $0 + matrix[i, $1] * x[$1] }
      #expect(abs(sum - right[i]) < 1e-9)
    }
    let kept = PositiveDefiniteFactor(size: size, rowByRowElements: factor.rowByRowElements)
    #expect(kept.solve(right) == x)
  }

  @Test func indefiniteMatrixHasNoFactor() {
    var matrix = SymmetricMatrix(size: 2)
    matrix.set([1, 2, 2, 1], rows: 0..<2, columns: 0..<2)
    #expect(PositiveDefiniteFactor(matrix, rows: [0, 1], ridges: [0, 0]) == nil)
    #expect(PositiveDefiniteFactor(matrix, rows: [], ridges: [])?.size == 0)
    #expect(PositiveDefiniteFactor(rowByRow: [1, 2, 2, 1], size: 2) == nil)
  }
}
