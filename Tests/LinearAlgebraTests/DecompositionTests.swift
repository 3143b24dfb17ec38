import Tensors
import Testing

@testable import LinearAlgebra

@Suite struct DecompositionTests {
  private static func numbers(_ count: Int, seed: UInt64) -> [Double] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in Double(generator.normal()) }
  }

  /// `A·v = λ·v`, vectors of length 1 at right angles, and the largest values of all.
  @Test(arguments: [1, 2, 5, 9, 70]) func eigenvaluesSolveTheirEquation(n: Int) throws {
    let numbers = Self.numbers(n * n, seed: 2)
    let a = (0..<n * n).map { numbers[$0] + numbers[$0 % n * n + $0 / n] }
    let (all, vectors) = try SymmetricEigenproblem.largest(n, of: a, order: n)
    #expect(all == all.sorted(by: >))
    // Backward stable: errors of a few units in the last place of the norm, grown by the order.
    let tolerance = 1e-13 * Double(n)
    for k in 0..<n {
      for i in 0..<n {
        let image = (0..<n).reduce(0) { $0 + a[i * n + $1] * vectors[k * n + $1] }
        #expect(abs(image - all[k] * vectors[k * n + i]) < tolerance)
      }
      for other in 0...k {
        let product = (0..<n).reduce(0) { $0 + vectors[k * n + $1] * vectors[other * n + $1] }
        #expect(abs(product - (other == k ? 1 : 0)) < tolerance)
      }
    }
    let few = (n + 1) / 2
    let (largest, _) = try SymmetricEigenproblem.largest(few, of: a, order: n)
    for (found, expected) in zip(largest, all) { #expect(abs(found - expected) < tolerance) }
  }

  /// The factors multiply back to the matrix.
  @Test(arguments: [(1, 1), (3, 7), (7, 3), (40, 40)])
  func singularValuesGiveTheMatrixBack(rows: Int, columns: Int) throws {
    let a = Self.numbers(rows * columns, seed: 3)
    let found = try SingularValues(of: a, rows: rows, columns: columns)
    #expect(found.values == found.values.sorted(by: >) && found.values.last! >= 0)
    for i in 0..<rows {
      for j in 0..<columns {
        let sum = found.values.indices.reduce(0) {
          $0 + found.values[$1] * found.left[$1 * rows + i] * found.right[$1 * columns + j]
        }
        #expect(abs(sum - a[i * columns + j]) < 1e-12)
      }
    }
  }

  @Test func libraryTellsWhatItIs() throws {
    let library = try OpenBLAS.load()
    #expect(library.build.hasPrefix("OpenBLAS"))
    #expect(!library.processor.isEmpty)
  }
}
