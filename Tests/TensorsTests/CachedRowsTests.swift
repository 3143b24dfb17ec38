import Files
import TestSupport
import Testing

@testable import Tensors

@Suite struct CachedRowsTests {
  /// Against explicit loops, at lengths around those of the vectors; rows over several chunks.
  @Test(arguments: KernelClass.supported, [0, 1, 7, 8, 31, 32, 33, 100, 4099])
  func productsAreThoseOfTheDefinition(_ kernelClass: KernelClass, _ width: Int) {
    var generator = SeededGenerator(seed: UInt64(width))
    let kernels = TrainingKernels(kernelClass)
    let cache = CachedRows(width: width, kernels)
    let mustBeSet = (0..<130).map { _ in cache.append(nil) }
    #expect(!mustBeSet.contains(false))
    for row in [0, 63, 64, 129] {
      let values = (0..<width).map { _ in generator.normal() }
      let vector = (0..<width).map { _ in Double(generator.normal()) }
      cache.set(row, to: values.span)
      let product = zip(vector, values).reduce(0) { $0 + $1.0 * Double($1.1) }
      let size = zip(vector, values).reduce(1) { $0 + abs($1.0 * Double($1.1)) }
      #expect(abs(cache.dot(row, vector) - product) <= 1e-13 * size)
      var sum = vector
      cache.add(row, times: 0.3, to: &sum)
      var same = vector
      kernels.add(values.span, times: 0.3, to: &same)
      #expect(sum == same)
      for j in 0..<width {
        #expect(abs(sum[j] - (vector[j] + 0.3 * Double(values[j]))) <= 1e-15 * (1 + abs(sum[j])))
      }
      if kernelClass > .baseline {
        let fastest = CachedRows(width: width, .fastest)
        _ = fastest.append(nil)
        fastest.set(0, to: values.span)
        #expect(fastest.dot(0, vector) == cache.dot(row, vector))
      }
    }
  }

  /// More rows at once than fit registers, columns over several tiles.
  @Test(arguments: KernelClass.supported, [0, 1, 8, 33, 1029, 2100])
  func severalRowsAddUpAsOneAfterTheOther(_ kernelClass: KernelClass, _ width: Int) {
    var generator = SeededGenerator(seed: UInt64(width))
    let cache = CachedRows(width: width, TrainingKernels(kernelClass))
    for row in 0..<21 {
      _ = cache.append(nil)
      let values = (0..<width).map { _ in generator.normal() }
      cache.set(row, to: values.span)
    }
    let some = [3, 4, 20, 0, 7, 8, 9, 11, 12, 13, 1, 19, 2]
    let scales = some.map { _ in Double(generator.normal()) }
    var expected = (0..<width).map { _ in Double(generator.normal()) }
    var found = expected
    for (row, scale) in zip(some, scales) { cache.add(row, times: scale, to: &expected) }
    cache.add(some, times: scales, to: &found)
    #expect(found == expected)

    let vectors = (0..<3 * width).map { _ in Double(generator.normal()) }
    let products = cache.dots(some[2..<11], vectors, columns: 3)
    let narrow = cache.dots(some[2..<11], vectors.map { Float($0) }, columns: 3)
    for (i, row) in some[2..<11].enumerated() {
      for k in 0..<3 {
        let product = cache.dot(row, Array(vectors[k * width..<(k + 1) * width]))
        #expect(abs(products[3 * i + k] - product) <= 1e-13 * Double(width + 1))
        #expect(abs(Double(narrow[3 * i + k]) - product) <= 1e-6 * Double(width + 1))
      }
    }
  }

  @Test func rowsOfFilesAreReadInPlaceWhereTheyAreAligned() throws {
    try withTemporaryFolder { folder in
      let bytes = [UInt8](repeating: 0, count: 8) + NumberBytes.bytes([1, 2, 3, 4, 5] as [Float])
      let path = try writeTestFile(bytes, "rows", in: folder)
      let file = try MappedFile(path)
      let cache = CachedRows(width: 3, .fastest)
      let mustBeSet = [8, 16, 9].map { cache.append(.init(file: file, offset: $0)) }
      #expect(mustBeSet == [false, false, true])
      #expect(cache.count == 3 && cache.copyCount == 1)
      cache.set(2, to: ([7, 8, 9] as [Float]).span)
      for _ in 0..<1000 { _ = cache.append(nil) }
      #expect((0..<3).map { cache.dot($0, [1, 1, 1]) } == [6, 12, 24])
      #expect(cache.squaredNorm(1) == 50)
      cache.removeAll()
      #expect(cache.count == 0 && cache.copyCount == 0)
    }
  }
}
