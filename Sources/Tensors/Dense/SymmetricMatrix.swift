/// A dense symmetric matrix in double precision.
package struct SymmetricMatrix: Sendable {
  /// Rows, and columns.
  package let size: Int
  /// `size×size`, row-major; both halves are kept.
  package private(set) var elements: [Double]

  /// A matrix of zeros.
  package init(size: Int) {
    self.size = size
    elements = [Double](repeating: 0, count: size * size)
  }

  private init(size: Int, elements: [Double]) {
    (self.size, self.elements) = (size, elements)
  }

  package subscript(row: Int, column: Int) -> Double { elements[row * size + column] }

  /// Sets the elements of `rows×columns` on and below the diagonal, and their mirror images.
  ///
  /// - Parameter values: row-major, as wide as `columns`.
  package mutating func set(_ values: [Double], rows: Range<Int>, columns: Range<Int>) {
    precondition(values.count >= rows.count * columns.count)
    precondition(rows.upperBound <= size && columns.upperBound <= size)
    for i in rows {
      for j in columns where j <= i {
        let value = values[(i - rows.lowerBound) * columns.count + j - columns.lowerBound]
        elements[i * size + j] = value
        elements[j * size + i] = value
      }
    }
  }

  /// Multiplies row i and column i with `factors[i]`, for every i.
  package mutating func scale(by factors: [Double]) {
    precondition(factors.count == size)
    update { value, i, j in value * (factors[i] * factors[j]) }
  }

  /// Adds `constant` to every element.
  package mutating func add(_ constant: Double) {
    update { value, _, _ in value + constant }
  }

  /// Some rows and the same columns.
  package func submatrix(_ rows: [Int]) -> SymmetricMatrix {
    SymmetricMatrix(size: rows.count, elements: elements(rows: rows, columns: rows))
  }

  /// Some rows and the same columns, row-major, on and below the diagonal; the rest is undefined.
  func lowerElements(_ rows: [Int]) -> [Double] {
    let size = size
    return elements.withUnsafeBufferPointer { source in
      [Double](unsafeUninitializedCapacity: rows.count * rows.count) { target, count in
        for (i, row) in rows.enumerated() {
          let (from, to) = (row * size, i * rows.count)
          for j in 0...i { target[to + j] = source[from + rows[j]] }
          for j in i + 1..<max(rows.count, i + 1) { target[to + j] = 0 }
        }
        count = rows.count * rows.count
      }
    }
  }

  /// Some rows and columns, row-major.
  package func elements(rows: [Int], columns: [Int]) -> [Double] {
    precondition((rows + columns).allSatisfy { $0 >= 0 && $0 < size }, "no such row")
    return elements.withUnsafeBufferPointer { source in
      [Double](unsafeUninitializedCapacity: rows.count * columns.count) { target, count in
        for (i, row) in rows.enumerated() {
          for (j, column) in columns.enumerated() {
            target[i * columns.count + j] = source[row * size + column]
          }
        }
        count = rows.count * columns.count
      }
    }
  }

  /// `Σ coefficients[i] · row rows[i]`: the product with a vector that is zero elsewhere.
  ///
  /// - Parameter columns: the elements of the product to make, distinct; others are zero.
  package func combination(
    of rows: [Int], _ coefficients: [Double], at columns: [Int]
  ) -> [Double] {
    precondition(rows.count == coefficients.count && rows.allSatisfy { $0 >= 0 && $0 < size })
    precondition(columns.allSatisfy { $0 >= 0 && $0 < size }, "no such column")
    var sum = [Double](repeating: 0, count: size)
    elements.withUnsafeBufferPointer { elements in
      sum.withUnsafeMutableBufferPointer { sum in
        // Four rows at a time: the sum is read and written a quarter as often. Missing ones count 0.
        for first in stride(from: 0, to: rows.count, by: 4) {
          func row(_ i: Int) -> (start: Int, coefficient: Double) {
            first + i < rows.count
              ? (rows[first + i] * size, coefficients[first + i]) : (rows[first] * size, 0)
          }
          let (a, b, c, d) = (row(0), row(1), row(2), row(3))
          func add(_ j: Int) {
            sum[j] +=
              (a.coefficient * elements[a.start + j] + b.coefficient * elements[b.start + j])
              + (c.coefficient * elements[c.start + j] + d.coefficient * elements[d.start + j])
          }
          if columns.count == size {
            for j in 0..<size { add(j) }
          } else {
            for j in columns { add(j) }
          }
        }
      }
    }
    return sum
  }

  @inline(__always)
  private mutating func update(_ body: (Double, Int, Int) -> Double) {
    elements.withUnsafeMutableBufferPointer { elements in
      for i in 0..<size {
        for j in 0..<size { elements[i * size + j] = body(elements[i * size + j], i, j) }
      }
    }
  }
}
