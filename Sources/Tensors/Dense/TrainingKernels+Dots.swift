internal import CKernels

/// Products of rows with few vectors, both as they lie in memory.
extension TrainingKernels {
  /// `C ← A·Bᵀ` in single precision: for few columns, quicker than with a packed B.
  ///
  /// Elements have sums of their own order, which depends on the depth alone.
  ///
  /// - Parameters:
  ///   - rows: of A, `depth` long and without gaps, and of C.
  ///   - b: `columns` vectors, `stride` apart.
  package func dots(
    rows: Int, _ a: Span<Float>, depth: Int, columns: Int, _ b: [Float], stride: Int,
    into c: inout [Float]
  ) {
    precondition(c.count >= rows * columns, "C is too short")
    precondition(columns == 0 || b.count >= (columns - 1) * stride + depth, "B is too short")
    withStarts(rows: rows, a, depth: depth) { starts in
      b.withUnsafeBufferPointer { b in
        c.withUnsafeMutableBufferPointer { c in
          guard rows > 0, columns > 0, let b = b.baseAddress, let c = c.baseAddress else { return }
          table.pointee.dots_f32(rows, depth, columns, starts, b, stride, c, columns)
        }
      }
    }
  }

  /// The same with B, sums and C in double precision.
  package func dots(
    rows: Int, _ a: Span<Float>, depth: Int, columns: Int, _ b: [Double], stride: Int,
    into c: inout [Double]
  ) {
    precondition(c.count >= rows * columns, "C is too short")
    precondition(columns == 0 || b.count >= (columns - 1) * stride + depth, "B is too short")
    withStarts(rows: rows, a, depth: depth) { starts in
      b.withUnsafeBufferPointer { b in
        c.withUnsafeMutableBufferPointer { c in
          guard rows > 0, columns > 0, let b = b.baseAddress, let c = c.baseAddress else { return }
          table.pointee.dots_mixed(rows, depth, columns, starts, b, stride, c, columns)
        }
      }
    }
  }

  /// Calls `body` with where each row of A begins.
  private func withStarts(
    rows: Int, _ a: Span<Float>, depth: Int,
    _ body: (UnsafePointer<UnsafePointer<Float>?>) -> Void
  ) {
    precondition(a.count >= rows * depth, "A is too short")
    if rows == 0 { return }
    a.withUnsafeBufferPointer { a in
      // Of no length at all, rows need some address.
      let nothing = UnsafePointer<Float>(bitPattern: MemoryLayout<Float>.alignment)!
      let base = a.baseAddress ?? nothing
      let starts = (0..<rows).map { Optional(base + $0 * depth) }
      starts.withUnsafeBufferPointer { body($0.baseAddress!) }
    }
  }

  /// `C ← Aᵀ·B` in double precision, B widened as it is read where it lies: the bits of `multiply` with
  /// B widened and packed.
  ///
  /// - Parameters:
  ///   - rows: of C.
  ///   - a: `depth×rows`.
  ///   - layoutB: of B, `depth×columns`; not transposed.
  package func multiply(
    rows: Int, transposed a: [Double], depth: Int, columns: Int, _ b: Span<Float>,
    _ layoutB: MatrixLayout, into c: inout [Double]
  ) {
    precondition(!layoutB.isTransposed, "B may not be transposed")
    precondition(a.count >= rows * depth && c.count >= rows * columns, "A or C is too short")
    precondition(b.count >= layoutB.extent(rows: depth, columns: columns), "B is too short")
    if rows == 0 || columns == 0 { return }
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        c.withUnsafeMutableBufferPointer { c in
          guard depth > 0, let a = a.baseAddress, let b = b.baseAddress else {
            for i in 0..<rows * columns { c[i] = 0 }
            return
          }
          table.pointee.transposed_product_mixed(
            rows, depth, columns, a, b + layoutB.offset, layoutB.leadingDimension, c.baseAddress!,
            columns)
        }
      }
    }
  }
}
