package import Files
package import Tensors

/// An array of numbers in a file of another program, converted only when read.
package struct NumberArray: Sendable {
  package let shape: [Int]
  package let type: ElementType
  /// Whether the first index runs fastest, as in MATLAB and Fortran.
  package let isColumnMajor: Bool
  private let source: ByteSource

  /// - Precondition: `source` has exactly the bytes of the array, and the shape passes
  ///   `product(times:)`, so that no product of its axes overflows.
  package init(shape: [Int], type: ElementType, isColumnMajor: Bool, source: ByteSource) {
    precondition(
      source.count == shape.product(times: type.byteCount), "bytes do not fit the shape")
    self.shape = shape
    self.type = type
    self.isColumnMajor = isColumnMajor
    self.source = source
  }

  package var count: Int { shape.reduce(1, *) }

  /// The file that the numbers are in, and where; nil for those in memory.
  package var place: (file: MappedFile, offset: Int)? {
    if case .file(let file, let range) = source { (file, range.lowerBound) } else { nil }
  }

  /// Whether it is one row or column of numbers.
  package var isVector: Bool { shape.count == 1 || (shape.count == 2 && shape.contains(1)) }

  /// `157×4096`
  package var shapeText: String { shape.map(String.init).joined(separator: "×") }

  /// Rows of features: the first axis; all other axes are flattened in C order.
  package var rowCount: Int { shape.count < 2 ? 1 : shape[0] }
  package var width: Int { shape.count < 2 ? count : shape[1...].reduce(1, *) }

  /// Appends the values of rows, row by row, rounded to single precision.
  package func append(_ rows: Range<Int>, to values: inout [Float]) {
    let width = width
    let offsets = isColumnMajor ? columnMajorOffsets : []
    source.withSpan { bytes in
      let size = type.byteCount
      values.reserveCapacity(values.count + rows.count * width)
      for row in rows {
        for column in 0..<width {
          let index = isColumnMajor ? offsets[column] + row : row * width + column
          values.append(Float(type.value(bytes.integer(at: index * size, byteCount: size))))
        }
      }
    }
  }

  /// Where each value of row 0 is, in C order of the axes after the first, when the first index runs
  /// fastest: element `(r, i, j, …)` is at `r + rowCount·(i + shape[1]·(j + …))`.
  private var columnMajorOffsets: [Int] {
    var offsets = [0]
    var stride = rowCount
    var strides: [Int] = []
    for axis in shape.dropFirst() {
      strides.append(stride)
      stride *= axis
    }
    // Axis by axis from the second on, each later one running faster than those before.
    for (axis, stride) in zip(shape.dropFirst(), strides) {
      offsets = offsets.flatMap { offset in (0..<axis).map { offset + $0 * stride } }
    }
    return offsets
  }

  /// All numbers in the order of the file.
  package var numbers: [Double] {
    source.withSpan { bytes in
      let size = type.byteCount
      return (0..<count).map {
        type.value(bytes.integer(at: $0 * size, byteCount: size))
      }
    }
  }
}
