/// Operations on whole vectors, each with one fixed order of additions.
package enum VectorOperations {
  /// `Σ a·b`, products and sums in double precision.
  package static func dot(_ a: Span<Float>, _ b: Span<Float>) -> Double {
    precondition(a.count == b.count, "vectors of different lengths")
    return a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        // Eight interleaved sums, so that additions need not wait for each other.
        var low = SIMD4<Double>.zero
        var high = SIMD4<Double>.zero
        let whole = a.count & ~7
        var i = 0
        while i < whole {
          low += double4(a, i) * double4(b, i)
          high += double4(a, i + 4) * double4(b, i + 4)
          i += 8
        }
        var sum = (low + high).sum()
        while i < a.count {
          sum += Double(a[i]) * Double(b[i])
          i += 1
        }
        return sum
      }
    }
  }

  /// `Σ a²` in double precision.
  package static func squaredNorm(_ a: Span<Float>) -> Double { dot(a, a) }

  /// The product of one range of two vectors; see `dot(_:_:)`.
  package static func dot(_ a: [Float], _ b: [Float], over range: Range<Int>) -> Double {
    dot(a.span.extracting(range), b.span.extracting(range))
  }

  /// `y[i] += scale · x[range.lowerBound + i]` for as many i as `range` has.
  package static func add(
    _ x: [Float], over range: Range<Int>, times scale: Float, to y: inout [Float]
  ) {
    precondition(range.lowerBound >= 0 && range.upperBound <= x.count && range.count <= y.count)
    x.withUnsafeBufferPointer { x in
      y.withUnsafeMutableBufferPointer { y in
        for i in 0..<range.count { y[i] += scale * x[range.lowerBound + i] }
      }
    }
  }

  /// Writes `rows×columns` of a row-major matrix into the front of `target`, in double precision.
  package static func widen(
    _ source: Span<Float>, leadingDimension: Int, rows: Int, columns: Range<Int>,
    into target: inout [Double]
  ) {
    let width = columns.count
    precondition(rows == 0 || (rows - 1) * leadingDimension + columns.upperBound <= source.count)
    precondition(rows * width <= target.count, "no room")
    source.withUnsafeBufferPointer { source in
      target.withUnsafeMutableBufferPointer { target in
        for row in 0..<rows {
          let from = row * leadingDimension + columns.lowerBound
          for j in 0..<width { target[row * width + j] = Double(source[from + j]) }
        }
      }
    }
  }

  /// Replaces each of `bounds` by the larger of itself and `|row[j]|·scale`.
  ///
  /// - Returns: whether every element of `row` is a number of magnitude 1e15 or less.
  package static func raise(_ bounds: inout [Float], to row: Span<Float>, times scale: Float)
    -> Bool
  {
    precondition(bounds.count == row.count)
    return row.withUnsafeBufferPointer { row in
      bounds.withUnsafeMutableBufferPointer { bounds in
        var isUsable = true
        for j in 0..<row.count {
          let magnitude = abs(row[j])
          isUsable = isUsable && magnitude <= 1e15  // false for NaN
          bounds[j] = max(bounds[j], magnitude * scale)
        }
        return isUsable
      }
    }
  }

  /// The products of one row with each row of a `K×D` matrix, in double precision.
  ///
  /// The additions depend on D alone, so a row's result does not depend on the rows beside it.
  package static func products(
    _ row: Span<Float>, _ matrix: Span<Float>, rowCount: Int
  ) -> [Double] {
    precondition(matrix.count == rowCount * row.count, "the matrix has another width")
    return (0..<rowCount).map { k in
      dot(row, matrix.extracting(k * row.count..<(k + 1) * row.count))
    }
  }

  @inline(__always)
  private static func double4(_ a: UnsafeBufferPointer<Float>, _ i: Int) -> SIMD4<Double> {
    SIMD4(Double(a[i]), Double(a[i + 1]), Double(a[i + 2]), Double(a[i + 3]))
  }
}
