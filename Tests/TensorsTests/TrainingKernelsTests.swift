import Foundation
import Tensors
import Testing

@Suite struct TrainingKernelsTests {
  private static func random(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in generator.normal() }
  }

  /// Sizes around the kernels' vectors, rows and depth: 16 and 32 columns, 12 rows, 256 deep.
  static let shapes = [
    (1, 1, 1), (12, 16, 256), (13, 17, 257), (3, 33, 5), (25, 100, 600), (7, 8, 0), (0, 4, 3),
    (24, 32, 512), (6, 47, 1000),
  ]

  @Test(arguments: KernelClass.supported, shapes)
  func singleProductIsThatOfTheDefinition(
    _ kernelClass: KernelClass, _ shape: (rows: Int, columns: Int, depth: Int)
  ) {
    let kernels = TrainingKernels(kernelClass)
    let (rows, columns, depth) = shape
    let a = Self.random(rows * (depth + 2) + 3, seed: 1)
    for isTransposed in [false, true] {
      let stride = (isTransposed ? depth : columns) + 1
      let b = Self.random((isTransposed ? columns : depth) * stride + 5, seed: 2)
      let packed = PackedMatrix<Float>()
      kernels.pack(
        b.span, .init(leadingDimension: stride, offset: 5, isTransposed: isTransposed),
        depth: depth, columns: columns, into: packed)
      for adding in [false, true] {
        var c = Self.random(rows * (columns + 1) + 1, seed: 3)
        let before = c
        kernels.multiply(
          rows: rows, a.span, .init(leadingDimension: depth + 2, offset: 3), packed, into: &c,
          .init(leadingDimension: columns + 1, offset: 1), adding: adding)
        for i in 0..<rows {
          for j in 0..<columns {
            let at = 1 + i * (columns + 1) + j
            var (sum, magnitude) = (adding ? Double(before[at]) : 0, 1.0)
            for k in 0..<depth {
              let x = Double(a[3 + i * (depth + 2) + k])
              let y = Double(b[5 + (isTransposed ? j * stride + k : k * stride + j)])
              sum += x * y
              magnitude += abs(x * y)
            }
            // Single precision rounds each of up to 256 sums in a row.
            #expect(abs(Double(c[at]) - sum) <= 2e-6 * magnitude)
          }
          if i > 0 { #expect(c[i * (columns + 1)] == before[i * (columns + 1)]) }
        }
      }
    }
  }

  @Test(arguments: KernelClass.supported, shapes)
  func doubleProductIsThatOfTheDefinition(
    _ kernelClass: KernelClass, _ shape: (rows: Int, columns: Int, depth: Int)
  ) {
    let kernels = TrainingKernels(kernelClass)
    let (rows, columns, depth) = shape
    let a = Self.random(rows * depth, seed: 1).map(Double.init)
    let b = Self.random(depth * columns, seed: 2).map(Double.init)
    for isTransposed in [false, true] {
      let packed = PackedMatrix<Double>()
      kernels.pack(
        b.span,
        .init(leadingDimension: isTransposed ? depth : columns, isTransposed: isTransposed),
        depth: depth, columns: columns, into: packed)
      var c = [Double](repeating: 1, count: rows * columns)
      kernels.multiply(
        rows: rows, a.span, .init(leadingDimension: depth), packed, into: &c,
        .init(leadingDimension: columns), adding: true)
      for i in 0..<rows {
        for j in 0..<columns {
          let sum = (0..<depth).reduce(1.0) {
            $0 + a[i * depth + $1] * b[isTransposed ? j * depth + $1 : $1 * columns + j]
          }
          #expect(abs(c[i * columns + j] - sum) <= 1e-12 * Double(depth + 1))
        }
      }
    }
  }

  /// How rows and columns are divided among calls leaves no trace, nor do fused kernel classes.
  @Test func bitsDependOnTheElementAlone() {
    let (rows, columns, depth) = (29, 70, 530)
    let a = Self.random(rows * depth, seed: 4)
    let b = Self.random(depth * columns, seed: 5)
    func product(_ kernels: TrainingKernels, rows: Range<Int>, columns part: Range<Int>) -> [Float]
    {
      let packed = PackedMatrix<Float>()
      kernels.pack(
        b.span, .init(leadingDimension: columns, offset: part.lowerBound), depth: depth,
        columns: part.count, into: packed)
      var c = [Float](repeating: 0, count: rows.count * part.count)
      kernels.multiply(
        rows: rows.count, a.span,
        .init(leadingDimension: depth, offset: rows.lowerBound * depth), packed, into: &c,
        .init(leadingDimension: part.count))
      return c
    }
    for kernelClass in KernelClass.supported {
      let kernels = TrainingKernels(kernelClass)
      let whole = product(kernels, rows: 0..<rows, columns: 0..<columns)
      let part = product(kernels, rows: 5..<27, columns: 3..<50)
      for i in 5..<27 {
        for j in 3..<50 { #expect(part[(i - 5) * 47 + j - 3] == whole[i * columns + j]) }
      }
      if kernelClass > .baseline {
        #expect(whole == product(.fastest, rows: 0..<rows, columns: 0..<columns))
      }
    }
  }

  /// Without packing the second factor, in pieces of columns that fit a cache.
  @Test(arguments: KernelClass.supported, shapes + [(300, 37, 9), (2, 5000, 257)])
  func transposedProductHasTheBitsOfTheOther(
    _ kernelClass: KernelClass, _ shape: (rows: Int, columns: Int, depth: Int)
  ) {
    let kernels = TrainingKernels(kernelClass)
    let (rows, columns, depth) = shape
    let a = Self.random(depth * rows, seed: 1)
    var transposed = [Float](repeating: 0, count: a.count)
    VectorOperations.transpose(a, rows: depth, columns: rows, into: &transposed)
    let layout = MatrixLayout(leadingDimension: columns + 3, offset: 5)
    let b = Self.random(depth * (columns + 3) + 5, seed: 2)
    let packed = PackedMatrix<Float>()
    kernels.pack(b.span, layout, depth: depth, columns: columns, into: packed)
    var expected = [Float](repeating: .nan, count: rows * columns)
    kernels.multiply(
      rows: rows, transposed.span, .init(leadingDimension: depth), packed, into: &expected,
      .init(leadingDimension: columns))
    var found = [Float](repeating: .nan, count: rows * columns)
    kernels.multiply(
      rows: rows, transposed: a, depth: depth, columns: columns, b.span, layout, into: &found)
    #expect(found == expected)
  }

  /// The same in double precision, the second factor widened as it is read.
  @Test(arguments: KernelClass.supported, shapes + [(300, 37, 9), (2, 5000, 257)])
  func transposedProductOfFloatsHasTheBitsOfTheOther(
    _ kernelClass: KernelClass, _ shape: (rows: Int, columns: Int, depth: Int)
  ) {
    let kernels = TrainingKernels(kernelClass)
    let (rows, columns, depth) = shape
    let a = Self.random(depth * rows, seed: 1).map { Double($0) / 3 }
    var transposed = [Double](repeating: 0, count: a.count)
    VectorOperations.transpose(a, rows: depth, columns: rows, into: &transposed)
    let layout = MatrixLayout(leadingDimension: columns + 3, offset: 5)
    let b = Self.random(depth * (columns + 3) + 5, seed: 2)
    let packed = PackedMatrix<Double>()
    kernels.pack(b.map(Double.init).span, layout, depth: depth, columns: columns, into: packed)
    var expected = [Double](repeating: .nan, count: rows * columns)
    kernels.multiply(
      rows: rows, transposed.span, .init(leadingDimension: depth), packed, into: &expected,
      .init(leadingDimension: columns))
    var found = [Double](repeating: .nan, count: rows * columns)
    kernels.multiply(
      rows: rows, transposed: a, depth: depth, columns: columns, b.span, layout, into: &found)
    #expect(found == expected)
  }

  /// Depths around lanes and slabs, rows and columns around those of a block.
  @Test(
    arguments: KernelClass.supported,
    shapes + [(9, 5, 1024), (8, 11, 1025), (5, 7, 2049), (3, 10, 15), (4, 2, 17)])
  func dotsAreThoseOfTheDefinition(
    _ kernelClass: KernelClass, _ shape: (rows: Int, columns: Int, depth: Int)
  ) {
    let kernels = TrainingKernels(kernelClass)
    let (rows, columns, depth) = shape
    let a = Self.random(rows * depth, seed: 1)
    let b = Self.random(columns * (depth + 3), seed: 2)
    var single = [Float](repeating: .nan, count: rows * columns)
    kernels.dots(
      rows: rows, a.span, depth: depth, columns: columns, b, stride: depth + 3, into: &single)
    var double = [Double](repeating: .nan, count: rows * columns)
    kernels.dots(
      rows: rows, a.span, depth: depth, columns: columns, b.map { Double($0) / 3 },
      stride: depth + 3, into: &double)
    for i in 0..<rows {
      for j in 0..<columns {
        var (sum, magnitude) = (0.0, 1.0)
        for k in 0..<depth {
          let product = Double(a[i * depth + k]) * Double(b[j * (depth + 3) + k])
          sum += product
          magnitude += abs(product)
        }
        // A lane's chain is 64 long, and 16 lanes are added.
        #expect(abs(Double(single[i * columns + j]) - sum) <= 1e-6 * magnitude)
        #expect(abs(double[i * columns + j] * 3 - sum) <= 1e-14 * magnitude)
      }
    }
  }

  /// Other rows and columns leave no trace in an element, nor do fused kernel classes.
  @Test func bitsOfDotsDependOnTheElementAlone() {
    let (rows, columns, depth) = (13, 12, 2100)
    let a = Self.random(rows * depth, seed: 4)
    let b = Self.random(columns * depth, seed: 5)
    let wide = b.map { Double($0) / 3 }
    func dots(_ kernels: TrainingKernels, _ rows: Range<Int>, _ part: Range<Int>) -> [Double] {
      var single = [Float](repeating: 0, count: rows.count * part.count)
      var double = [Double](repeating: 0, count: rows.count * part.count)
      let some = a.span.extracting(rows.lowerBound * depth..<rows.upperBound * depth)
      let numbers = part.lowerBound * depth..<part.upperBound * depth
      kernels.dots(
        rows: rows.count, some, depth: depth, columns: part.count, Array(b[numbers]),
        stride: depth, into: &single)
      kernels.dots(
        rows: rows.count, some, depth: depth, columns: part.count, Array(wide[numbers]),
        stride: depth, into: &double)
      return single.map(Double.init) + double
    }
    for kernelClass in KernelClass.supported {
      let kernels = TrainingKernels(kernelClass)
      let whole = dots(kernels, 0..<rows, 0..<columns)
      let part = dots(kernels, 3..<10, 4..<11)
      for precision in 0..<2 {
        for i in 3..<10 {
          for k in 4..<11 {
            let own = part[precision * 49 + (i - 3) * 7 + k - 4]
            #expect(own == whole[precision * rows * columns + i * columns + k])
          }
        }
      }
      if kernelClass > .baseline { #expect(whole == dots(.fastest, 0..<rows, 0..<columns)) }
    }
  }

  private static func input(count: Int) -> TrainingKernels.LossInput {
    var generator = SeededGenerator(seed: 6)
    let rows = 9
    var input = TrainingKernels.LossInput(
      rowCount: rows, count: count,
      logits: (0..<rows * (count + 2)).map { _ in 20 * Double(generator.normal()) },
      stride: count + 2, biases: (0..<count).map { _ in Double(generator.normal()) },
      labels: (0..<rows).map { Int32($0 % count) },
      weights: (0..<rows).map { _ in generator.uniform() })
    input.direction = (0..<rows * (count + 1)).map { _ in Double(generator.normal()) }
    input.directionStride = count + 1
    input.steps = (0..<count).map { _ in Double(generator.normal()) }
    // Ties, and values that leave no room between 0 and 1.
    for k in 0..<count { input.logits[k] = 0 }
    input.logits[count + 2] = 900
    input.logits[2 * (count + 2)] = -1e4
    return input
  }

  /// Against explicit loops with the C library's functions.
  @Test(arguments: KernelClass.supported, [2, 7, 8, 9, 25])
  func lossesAreThoseOfTheDefinition(_ kernelClass: KernelClass, _ count: Int) {
    let input = Self.input(count: count)
    for (kind, slow) in [
      (TrainingKernels.LossKind.softmax, SlowLosses.softmax), (.logistic, SlowLosses.logistic),
      (.squaredHinge, SlowLosses.squaredHinge),
    ] {
      var terms = [Double](repeating: .nan, count: 9 * count)
      var roots = [Float](repeating: .nan, count: 9 * count)
      let sums = TrainingKernels(kernelClass).lossSums(kind, input, terms: &terms, roots: &roots)
      var expected = TrainingKernels.LossSums(count: count)
      for i in 0..<9 {
        let q = (0..<count).map { input.direction[i * (count + 1) + $0] }
        let f = (0..<count).map {
          input.logits[i * (count + 2) + $0] + input.steps[$0] * q[$0] + input.biases[$0]
        }
        let row = slow(f, Int(input.labels[i]))
        for k in 0..<count {
          let residual = input.weights[i] * row.residuals[k]
          #expect(Self.areClose(terms[i * count + k], residual))
          expected.losses[k] += input.weights[i] * row.losses[k]
          expected.residuals[k] += residual
          expected.slopes[k] += residual * q[k]
          expected.curvatures[k] += input.weights[i] * row.curvatures[k]
          if k == Int(input.labels[i]) { expected.masses[k] += abs(residual) }
          if kind == .softmax {
            let p = row.residuals[k] + (k == Int(input.labels[i]) ? 1 : 0)
            #expect(abs(Double(roots[i * count + k]) - input.weights[i].squareRoot() * p) < 1e-6)
          }
        }
      }
      #expect(zip(sums.losses, expected.losses).allSatisfy(Self.areClose))
      #expect(zip(sums.residuals, expected.residuals).allSatisfy(Self.areClose))
      #expect(zip(sums.slopes, expected.slopes).allSatisfy(Self.areClose))
      if kind != .softmax {
        #expect(zip(sums.curvatures, expected.curvatures).allSatisfy(Self.areClose))
        #expect(zip(sums.masses, expected.masses).allSatisfy(Self.areClose))
      }
      if kernelClass > .baseline {
        let fastest = TrainingKernels.fastest.lossSums(kind, input, terms: &terms, roots: &roots)
        #expect(fastest.losses == sums.losses && fastest.residuals == sums.residuals)
      }
    }
  }

  /// A few roundings of terms and of sums of nine.
  private static func areClose(_ a: Double, _ b: Double) -> Bool {
    abs(a - b) <= 1e-13 * max(1, abs(b))
  }
}

/// One row's losses with explicit loops.
private enum SlowLosses {
  struct Row {
    var losses: [Double]
    var residuals: [Double]
    var curvatures: [Double]
  }

  static func softmax(_ f: [Double], _ label: Int) -> Row {
    let top = f.max()!
    let sum = f.reduce(0) { $0 + exp($1 - top) }
    var residuals = f.map { exp($0 - top) / sum }
    residuals[label] -= 1
    var losses = f.map { _ in 0.0 }
    losses[0] = top - f[label] + log(sum)
    return Row(losses: losses, residuals: residuals, curvatures: losses)
  }

  static func logistic(_ f: [Double], _ label: Int) -> Row {
    separable(f, label) { m in
      let p = m > 0 ? exp(-m) / (1 + exp(-m)) : 1 / (1 + exp(m))
      return (m > 0 ? log1p(exp(-m)) : log1p(exp(m)) - m, p, p * (1 - p))
    }
  }

  static func squaredHinge(_ f: [Double], _ label: Int) -> Row {
    separable(f, label) { m in m < 1 ? ((1 - m) * (1 - m), 2 * (1 - m), 2) : (0, 0, 0) }
  }

  private static func separable(
    _ f: [Double], _ label: Int, _ loss: (Double) -> (Double, Double, Double)
  ) -> Row {
    var row = Row(losses: [], residuals: [], curvatures: [])
    for (k, value) in f.enumerated() {
      let sign: Double = k == label ? 1 : -1
      let (loss, pull, curvature) = loss(sign * value)
      row.losses.append(loss)
      row.residuals.append(-sign * pull)
      row.curvatures.append(curvature)
    }
    return row
  }
}
