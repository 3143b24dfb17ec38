internal import Files
internal import Tensors

/// An array of numbers in a file of another program, converted only when read.
struct NumberArray: Sendable {
  let shape: [Int]
  let type: NumberType
  /// Whether the first index runs fastest, as in MATLAB and Fortran.
  let isColumnMajor: Bool
  private let source: ByteSource

  /// - Precondition: `source` has exactly the bytes of the array.
  init(shape: [Int], type: NumberType, isColumnMajor: Bool, source: ByteSource) {
    precondition(source.count == shape.reduce(1, *) * type.byteCount, "bytes do not fit the shape")
    self.shape = shape
    self.type = type
    self.isColumnMajor = isColumnMajor
    self.source = source
  }

  var count: Int { shape.reduce(1, *) }

  /// Whether it is a matrix, and not a row or a column of numbers.
  var isMatrix: Bool { shape.count == 2 && shape[0] > 1 && shape[1] > 1 }

  /// Whether it is one row or column of numbers.
  var isVector: Bool { shape.count == 1 || (shape.count == 2 && shape.contains(1)) }

  /// `157×4096`
  var shapeText: String { shape.map(String.init).joined(separator: "×") }

  /// Rows of features: the first axis; all other axes are flattened in C order.
  var rowCount: Int { shape.count < 2 ? 1 : shape[0] }
  var width: Int { shape.count < 2 ? count : shape[1...].reduce(1, *) }

  /// Appends the values of rows, row by row, rounded to single precision.
  func append(_ rows: Range<Int>, to values: inout [Float]) {
    precondition(!isColumnMajor || shape.count <= 2, "only matrices are read by columns")
    source.withSpan { bytes in
      let size = type.byteCount
      values.reserveCapacity(values.count + rows.count * width)
      for row in rows {
        for column in 0..<width {
          let index = isColumnMajor ? column * rowCount + row : row * width + column
          values.append(Float(Self.number(type, bytes.integer(at: index * size, byteCount: size))))
        }
      }
    }
  }

  /// All numbers in the order of the file.
  var numbers: [Double] {
    source.withSpan { bytes in
      let size = type.byteCount
      return (0..<count).map {
        Self.number(type, bytes.integer(at: $0 * size, byteCount: size))
      }
    }
  }

  /// The number that these bits are; 64-bit integers beyond 2⁵³ are rounded.
  @inline(__always)
  private static func number(_ type: NumberType, _ bits: UInt64) -> Double {
    switch type {
    case .int8: Double(Int8(truncatingIfNeeded: bits))
    case .uint8, .uint16, .uint32, .uint64: Double(bits)
    case .int16: Double(Int16(truncatingIfNeeded: bits))
    case .int32: Double(Int32(truncatingIfNeeded: bits))
    case .int64: Double(Int64(bitPattern: bits))
    case .float16: Double(FloatBytes.float32(UInt16(truncatingIfNeeded: bits)))
    case .float32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    case .float64: Double(bitPattern: bits)
    }
  }
}
