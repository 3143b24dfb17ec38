internal import CKernels

/// Operations on whole vectors, each with one fixed order of additions.
package enum VectorOperations {
  /// `Σ a·b`, products and sums in double precision.
  package static func dot(_ a: Span<Float>, _ b: Span<Float>) -> Double {
    precondition(a.count == b.count, "vectors of different lengths")
    if a.isEmpty { return 0 }
    return a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        TrainingKernels.fastest.table.pointee.dot_f32(a.baseAddress!, b.baseAddress!, a.count)
      }
    }
  }

  /// Products of one range of three vectors, in double precision: `w·w`, `w·d`, `d·d`, `g·d`.
  ///
  /// - Parameter start: where d's part begins in its own array.
  package static func lineProducts(
    _ w: [Double], _ g: [Double], from first: Int, _ d: [Float], from start: Int, count: Int
  ) -> (ww: Double, wd: Double, dd: Double, gd: Double) {
    precondition(first + count <= min(w.count, g.count) && start + count <= d.count)
    var products = [0.0, 0, 0, 0]
    if count == 0 { return (0, 0, 0, 0) }
    w.withUnsafeBufferPointer { w in
      g.withUnsafeBufferPointer { g in
        d.withUnsafeBufferPointer { d in
          products.withUnsafeMutableBufferPointer { products in
            TrainingKernels.fastest.table.pointee.line_products(
              w.baseAddress! + first, g.baseAddress! + first, d.baseAddress! + start, count,
              products.baseAddress!)
          }
        }
      }
    }
    return (products[0], products[1], products[2], products[3])
  }

  /// Products of ranges of two vectors: `w·w`, `g·g`, and `d·d` of their difference `d = w − g`.
  package static func differenceProducts(
    _ w: [Double], from first: Int, _ g: [Double], from start: Int, count: Int
  ) -> (ww: Double, gg: Double, dd: Double) {
    precondition(first + count <= w.count && start + count <= g.count)
    return w.withUnsafeBufferPointer { w in
      g.withUnsafeBufferPointer { g in
        // Eight sums of each, for additions that wait for each other take four cycles.
        var (ww, gg, dd) = (SIMD8<Double>(), SIMD8<Double>(), SIMD8<Double>())
        let whole = count / 8 * 8
        for j in stride(from: 0, to: whole, by: 8) {
          for lane in 0..<8 {
            let (a, b) = (w[first + j + lane], g[start + j + lane])
            ww[lane] += a * a
            gg[lane] += b * b
            dd[lane] += (a - b) * (a - b)
          }
        }
        var sums = (ww: ww.sum(), gg: gg.sum(), dd: dd.sum())
        for j in whole..<count {
          let (a, b) = (w[first + j], g[start + j])
          sums.ww += a * a
          sums.gg += b * b
          sums.dd += (a - b) * (a - b)
        }
        return sums
      }
    }
  }

  /// `Σ a²` in double precision.
  package static func squaredNorm(_ a: Span<Float>) -> Double { dot(a, a) }

  /// The product of one range of two vectors; see `dot(_:_:)`.
  package static func dot(_ a: [Float], _ b: [Float], over range: Range<Int>) -> Double {
    dot(a.span.extracting(range), b.span.extracting(range))
  }

  /// The largest magnitude of a range of a vector; no number where one of them is none.
  package static func largestMagnitude(_ x: [Float], over range: Range<Int>) -> Float {
    precondition(range.lowerBound >= 0 && range.upperBound <= x.count)
    // Without their signs the bits of floats are ordered as their values, and NaN is above all.
    var bits: UInt32 = 0
    x.withUnsafeBufferPointer { x in
      for i in range { bits = max(bits, x[i].bitPattern & 0x7fff_ffff) }
    }
    return Float(bitPattern: bits)
  }

  /// `y[i] += scale · x[range.lowerBound + i]` for as many i as `range` has.
  package static func add(
    _ x: [Float], over range: Range<Int>, times scale: Float, to y: inout [Float]
  ) {
    precondition(range.lowerBound >= 0 && range.upperBound <= x.count && range.count <= y.count)
    x.withUnsafeBufferPointer { x in
      y.withUnsafeMutableBufferPointer { y in
        if range.isEmpty { return }
        TrainingKernels.fastest.table.pointee.add_scaled_f32(
          y.baseAddress!, x.baseAddress! + range.lowerBound, scale, range.count)
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
          if width == 0 { continue }
          TrainingKernels.fastest.table.pointee.widen_f32(
            source.baseAddress! + from, width, target.baseAddress! + row * width)
        }
      }
    }
  }

  /// Some columns of a matrix, `rows×columns.count`.
  package static func gathered(
    _ source: [Double], rows: Int, stride: Int, columns: [Int]
  ) -> [Double] {
    precondition(rows * stride <= source.count && columns.allSatisfy { 0..<stride ~= $0 })
    return source.withUnsafeBufferPointer { source in
      [Double](unsafeUninitializedCapacity: rows * columns.count) { target, count in
        for i in 0..<rows {
          for (j, column) in columns.enumerated() {
            target[i * columns.count + j] = source[i * stride + column]
          }
        }
        count = rows * columns.count
      }
    }
  }

  /// Writes a `rows×columns` matrix, each row times its scale, into the front of `target`.
  package static func widen(
    _ source: [Float], rows: Int, columns: Int, times scales: [Double],
    into target: inout [Double]
  ) {
    precondition(rows * columns <= source.count && rows * columns <= target.count, "no room")
    precondition(scales.count == rows, "a scale for each row")
    source.withUnsafeBufferPointer { source in
      target.withUnsafeMutableBufferPointer { target in
        for i in 0..<rows {
          let scale = scales[i]
          for j in i * columns..<(i + 1) * columns { target[j] = Double(source[j]) * scale }
        }
      }
    }
  }

  /// Writes the first `count` numbers, rounded to single precision, into the front of `target`.
  package static func narrow(_ source: [Double], count: Int, into target: inout [Float]) {
    precondition(count <= source.count && count <= target.count, "no room")
    source.withUnsafeBufferPointer { source in
      target.withUnsafeMutableBufferPointer { target in
        for i in 0..<count { target[i] = Float(source[i]) }
      }
    }
  }

  /// Writes the transpose of a `rows×columns` matrix into the front of `target`.
  package static func transpose(
    _ source: [Float], rows: Int, columns: Int, into target: inout [Float]
  ) {
    transpose(source, rows: rows, columns: columns, into: &target) { $0 }
  }

  /// Writes the transpose of a `rows×columns` matrix, rounded to single precision, into the front of
  /// `target`.
  package static func transpose(
    _ source: [Double], rows: Int, columns: Int, into target: inout [Float]
  ) {
    transpose(source, rows: rows, columns: columns, into: &target) { Float($0) }
  }

  /// Writes the transpose of a `rows×columns` matrix into the front of `target`.
  package static func transpose(
    _ source: [Double], rows: Int, columns: Int, into target: inout [Double]
  ) {
    transpose(source, rows: rows, columns: columns, into: &target) { $0 }
  }

  /// Private, so that other modules call versions compiled for their types.
  @inline(__always)
  private static func transpose<Source, Target>(
    _ source: [Source], rows: Int, columns: Int, into target: inout [Target],
    _ convert: (Source) -> Target
  ) {
    precondition(rows * columns <= source.count && rows * columns <= target.count, "no room")
    // So many rows at a time that their part of each target row is one cache line.
    let lineCount = 64 / MemoryLayout<Target>.stride
    source.withUnsafeBufferPointer { source in
      target.withUnsafeMutableBufferPointer { target in
        for first in Swift.stride(from: 0, to: rows, by: lineCount) {
          let end = min(first + lineCount, rows)
          for j in 0..<columns {
            for i in first..<end { target[j * rows + i] = convert(source[i * columns + j]) }
          }
        }
      }
    }
  }

  /// Appends `(row[j]·scale − means[j])·factors[j]`, each operation rounded to single precision.
  package static func append(
    _ row: Span<Float>, times scale: Float, minus means: [Float], times factors: [Float],
    to values: inout [Float]
  ) {
    let (count, start) = (row.count, values.count)
    precondition(means.count == count && factors.count == count, "a scaling of another width")
    values.append(contentsOf: repeatElement(0, count: count))
    row.withUnsafeBufferPointer { row in
      values.withUnsafeMutableBufferPointer { values in
        means.withUnsafeBufferPointer { means in
          factors.withUnsafeBufferPointer { factors in
            for j in 0..<count { values[start + j] = (row[j] * scale - means[j]) * factors[j] }
          }
        }
      }
    }
  }

  /// Adds `row[j]·scale` to each sum, or, given means, the square of its difference from the mean.
  package static func addMoments(
    _ row: Span<Float>, times scale: Float, minus means: [Double]?, to sums: inout [Double]
  ) {
    precondition(sums.count == row.count && (means?.count ?? row.count) == row.count)
    row.withUnsafeBufferPointer { row in
      sums.withUnsafeMutableBufferPointer { sums in
        guard let means else {
          for j in 0..<row.count { sums[j] += Double(row[j] * scale) }
          return
        }
        means.withUnsafeBufferPointer { means in
          for j in 0..<row.count {
            let difference = Double(row[j] * scale) - means[j]
            sums[j] += difference * difference
          }
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
    if row.isEmpty { return true }
    return row.withUnsafeBufferPointer { row in
      bounds.withUnsafeMutableBufferPointer { bounds in
        TrainingKernels.fastest.table.pointee.raise_bounds(
          bounds.baseAddress!, row.baseAddress!, scale, 1e15, row.count) != 0
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

  /// The same for a matrix in double precision; nothing is fused, so that every processor agrees.
  package static func products(
    _ row: Span<Float>, _ matrix: [Double], rowCount: Int
  ) -> [Double] {
    let width = row.count
    precondition(matrix.count == rowCount * width, "the matrix has another width")
    return row.withUnsafeBufferPointer { row in
      matrix.withUnsafeBufferPointer { matrix in
        (0..<rowCount).map { k in
          var sums = SIMD8<Double>()
          let whole = width / 8 * 8
          for j in stride(from: 0, to: whole, by: 8) {
            for lane in 0..<8 {
              sums[lane] += Double(row[j + lane]) * matrix[k * width + j + lane]
            }
          }
          return (whole..<width).reduce(sums.sum()) {
            $0 + Double(row[$1]) * matrix[k * width + $1]
          }
        }
      }
    }
  }
}
