import Tensors
import Testing

@Suite struct BLASTests {
  @Test(arguments: [(1, 1, 1), (3, 5, 7), (17, 4, 33), (2, 9, 0)])
  func gemmAgreesWithItsDefinition(m: Int, n: Int, k: Int) {
    var generator = SeededGenerator(seed: 1)
    let (lda, ldb, ldc, offset) = (k + 2, k + 1, n + 3, 2)
    let a = (0..<(offset + m * lda)).map { _ in generator.normal() }
    let b = (0..<(n * ldb)).map { _ in generator.normal() }  // n×k, used transposed
    let start = (0..<(m * ldc)).map { _ in generator.normal() }
    for adding in [false, true] {
      var c = start
      var wide = start.map(Double.init)
      let layoutA = BLAS.Layout(leadingDimension: lda, offset: offset)
      let layoutB = BLAS.Layout(leadingDimension: ldb, isTransposed: true)
      let layoutC = BLAS.Layout(leadingDimension: ldc)
      BLAS.gemm(
        m: m, n: n, k: k, a.span, layoutA, b.span, layoutB, into: &c, layoutC, adding: adding)
      let (wideA, wideB) = (a.map(Double.init), b.map(Double.init))
      BLAS.gemm(
        m: m, n: n, k: k, wideA.span, layoutA, wideB.span, layoutB, into: &wide, layoutC,
        adding: adding)
      for i in 0..<m {
        for j in 0..<ldc {
          var sum = j < n && !adding ? 0 : Double(start[i * ldc + j])
          if j < n {
            for l in 0..<k { sum += wideA[offset + i * lda + l] * wideB[j * ldb + l] }
          }
          // A sum of at most 33 products of numbers near 1, in single precision.
          #expect(abs(Double(c[i * ldc + j]) - sum) < 1e-4)
          #expect(abs(wide[i * ldc + j] - sum) < 1e-12)
        }
      }
    }
  }

  @Test func dotAgreesWithExplicitLoop() {
    var generator = SeededGenerator(seed: 2)
    for count in [0, 1, 7, 8, 9, 31, 100] {
      let a = (0..<count).map { _ in generator.normal() }
      let b = (0..<count).map { _ in generator.normal() }
      let expected = zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      #expect(abs(VectorOperations.dot(a.span, b.span) - expected) < 1e-12)
    }
  }

  @Test func raiseFindsBoundsAndRefusesWhatIsNoNumber() {
    var bounds: [Float] = [1, 1, 1]
    let fine: [Float] = [-3, 0.5, 2]
    #expect(VectorOperations.raise(&bounds, to: fine.span, times: 2))
    #expect(bounds == [6, 1, 4])
    for bad in [Float.nan, .infinity, -.infinity, 1e16] {
      let row: [Float] = [0, bad, 0]
      var other = bounds
      #expect(!VectorOperations.raise(&other, to: row.span, times: 1))
    }
  }
}
