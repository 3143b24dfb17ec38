internal import CKernels
package import Files

/// Rows of floats for products with one vector at a time: copies, or rows of mapped files where they lie.
///
/// Rows are appended one after the other and stay where they are; those to be copied are set later, by
/// several threads at once if need be, and read by any then.
package final class CachedRows: @unchecked Sendable {
  // Invariant behind `@unchecked`: rows are appended and removed while no other thread uses them; the
  // caller gives each row to one thread to set before others read it. Pointers lead into chunks and
  // mapped files, both kept alive here, and neither moves.

  /// Floats of a row.
  package let width: Int
  /// Rows that are copies.
  package private(set) var copyCount = 0
  private let pitch: Int
  private let kernels: TrainingKernels
  private var rows: [UnsafePointer<Float>] = []
  private var chunks: [FloatBuffer] = []
  private var files: [ObjectIdentifier: MappedFile] = [:]
  private static let chunkRows = 64

  /// Where a row of floats lies in a file.
  package struct Place {
    package var file: MappedFile
    /// Of its first byte.
    package var offset: Int

    package init(file: MappedFile, offset: Int) {
      (self.file, self.offset) = (file, offset)
    }
  }

  package init(width: Int, _ kernels: TrainingKernels) {
    (self.width, self.kernels) = (width, kernels)
    // Whole cache lines.
    pitch = max(16, (width + 15) / 16 * 16)
  }

  package var count: Int { rows.count }

  /// Appends a row; without a place, or where floats are not aligned there, it must be `set`.
  ///
  /// - Returns: whether it must.
  package func append(_ place: Place?) -> Bool {
    if let place, width > 0 {
      let bytes = place.offset..<place.offset + 4 * width
      let start = place.file.withBytes(bytes) { $0.baseAddress! }
      if UInt(bitPattern: start) % 4 == 0 {
        files[ObjectIdentifier(place.file)] = place.file
        rows.append(start.assumingMemoryBound(to: Float.self))
        return false
      }
    }
    if copyCount % Self.chunkRows == 0 {
      chunks.append(FloatBuffer(count: Self.chunkRows * pitch))
    }
    rows.append(UnsafePointer(chunks.last!.base + copyCount % Self.chunkRows * pitch))
    copyCount += 1
    return true
  }

  /// Gives up all rows.
  package func removeAll() {
    (rows, chunks, files, copyCount) = ([], [], [:], 0)
  }

  /// Copies a row that `append` said must be.
  package func set(_ row: Int, to values: Span<Float>) {
    precondition(values.count == width && rows.indices.contains(row), "no such row")
    let target = UnsafeMutablePointer(mutating: rows[row])
    values.withUnsafeBufferPointer { values in
      if let source = values.baseAddress { target.update(from: source, count: width) }
    }
  }

  /// The product of a row with a vector.
  package func dot(_ row: Int, _ vector: [Double]) -> Double {
    precondition(vector.count == width && row >= 0 && row < rows.count, "no such row")
    return vector.withUnsafeBufferPointer {
      width == 0 ? 0 : kernels.table.pointee.dot_mixed($0.baseAddress!, rows[row], width)
    }
  }

  /// Adds a multiple of a row to a vector.
  package func add(_ row: Int, times scale: Double, to vector: inout [Double]) {
    precondition(vector.count == width && row >= 0 && row < rows.count, "no such row")
    vector.withUnsafeMutableBufferPointer {
      if width > 0 {
        kernels.table.pointee.add_scaled_mixed($0.baseAddress!, rows[row], scale, width)
      }
    }
  }

  /// The products of some rows with each of `columns` vectors, row by row: quicker than one by one.
  ///
  /// Each has a sum of an order that depends on the width alone.
  ///
  /// - Parameter vectors: `columns×width`.
  package func dots(
    _ some: ArraySlice<Int>, _ vectors: [Double], columns: Int
  ) -> [Double] {
    precondition(vectors.count >= columns * width, "vectors of other widths")
    let starts = pointers(some)
    return [Double](unsafeUninitializedCapacity: some.count * columns) { products, count in
      count = some.count * columns
      if count == 0 { return }
      vectors.withUnsafeBufferPointer {
        kernels.table.pointee.dots_mixed(
          starts.count, width, columns, starts, $0.baseAddress ?? Self.nothing(), width,
          products.baseAddress!, columns)
      }
    }
  }

  /// The same in single precision.
  package func dots(_ some: ArraySlice<Int>, _ vectors: [Float], columns: Int) -> [Float] {
    precondition(vectors.count >= columns * width, "vectors of other widths")
    let starts = pointers(some)
    return [Float](unsafeUninitializedCapacity: some.count * columns) { products, count in
      count = some.count * columns
      if count == 0 { return }
      vectors.withUnsafeBufferPointer {
        kernels.table.pointee.dots_f32(
          starts.count, width, columns, starts, $0.baseAddress ?? Self.nothing(), width,
          products.baseAddress!, columns)
      }
    }
  }

  /// Adds a multiple of each of some rows to a vector, in their order: the bits of one `add` for each.
  package func add(_ some: [Int], times scales: [Double], to vector: inout [Double]) {
    precondition(vector.count == width && scales.count == some.count, "vectors of other widths")
    let starts = pointers(some[...])
    vector.withUnsafeMutableBufferPointer {
      if width > 0 {
        kernels.table.pointee.add_rows_mixed(
          $0.baseAddress!, starts, scales, starts.count, width)
      }
    }
  }

  private func pointers(_ some: ArraySlice<Int>) -> [UnsafePointer<Float>?] {
    some.map { row in
      precondition(row >= 0 && row < rows.count, "no such row")
      return rows[row]
    }
  }

  /// Where vectors without elements begin.
  private static func nothing<Element>() -> UnsafePointer<Element> {
    UnsafePointer(bitPattern: MemoryLayout<Element>.alignment)!
  }

  /// `Σ x²` of a row.
  package func squaredNorm(_ row: Int) -> Double {
    precondition(row >= 0 && row < rows.count, "no such row")
    return width == 0 ? 0 : kernels.table.pointee.dot_f32(rows[row], rows[row], width)
  }
}
