internal import Files

/// An array in a file, any of whose axes may run fastest there: `strides[a]` numbers lie between
/// neighbours along axis `a`, and the first number is at byte `offset`.
package struct StridedNumbers: Sendable, Equatable {
  package let element: ElementType
  package let offset: Int
  package let shape: [Int]
  package let strides: [Int]

  /// - Precondition: `element` is a type of floats, and no product or sum of these overflows.
  package init(_ element: ElementType, offset: Int, shape: [Int], strides: [Int]) {
    precondition(shape.count == strides.count && strides.allSatisfy { $0 >= 0 })
    (self.element, self.offset, self.shape, self.strides) = (element, offset, shape, strides)
  }

  package var count: Int { shape.reduce(1, *) }

  /// One past the last byte.
  var endOffset: Int {
    if count == 0 { return offset }
    let last = zip(shape, strides).reduce(0) { $0 + ($1.0 - 1) * $1.1 }
    return offset + (last + 1) * element.byteCount
  }

  /// The strides of an array whose last axis runs fastest.
  package static func rowMajor(_ shape: [Int]) -> [Int] {
    var strides = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * max(1, shape[axis + 1])
    }
    return strides
  }

  /// The same numbers as a segment, when they touch and lie in row-major order.
  var segment: StoredFloats.Segment? {
    let expected = Self.rowMajor(shape)
    // Along an axis of one number nothing is ever a stride apart.
    let touches = shape.indices.allSatisfy { shape[$0] <= 1 || strides[$0] == expected[$0] }
    guard touches || count == 0 else { return nil }
    return StoredFloats.Segment(element, offset: offset, count: count)
  }

  /// A copy of the numbers `range`, counted in row-major order.
  ///
  /// - Precondition: `range` is of this array, which lies inside the file.
  func floats(_ range: Range<Int>, of file: MappedFile) -> [Float] {
    guard !range.isEmpty else { return [] }
    return file.withBytes(offset..<endOffset) { bytes in
      [Float](unsafeUninitializedCapacity: range.count) { floats, initializedCount in
        var (index, position) = place(of: range.lowerBound)
        for i in 0..<range.count {
          (floats.baseAddress! + i).initialize(to: float(bytes, position * element.byteCount))
          // Counted up like the digits of a number.
          var axis = shape.count - 1
          while axis >= 0 {
            index[axis] += 1
            position += strides[axis]
            if index[axis] < shape[axis] { break }
            position -= shape[axis] * strides[axis]
            index[axis] = 0
            axis -= 1
          }
        }
        initializedCount = range.count
      }
    }
  }

  @inline(__always)
  private func float(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Float {
    switch element {
    case .float32: bytes.loadUnaligned(fromByteOffset: offset, as: Float.self)
    case .float64: Float(bytes.loadUnaligned(fromByteOffset: offset, as: Double.self))
    case .float16: Float(bytes.loadUnaligned(fromByteOffset: offset, as: Float16.self))
    case .bfloat16:
      Float(
        bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) << 16)
    case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64:
      preconditionFailure("\(element.rawValue) is no type of floats")
    }
  }

  /// The index of a number by its place in row-major order, and how far it is from the first.
  private func place(of number: Int) -> (index: [Int], position: Int) {
    var index = [Int](repeating: 0, count: shape.count)
    var (rest, position) = (number, 0)
    for axis in shape.indices.reversed() {
      index[axis] = rest % shape[axis]
      position += index[axis] * strides[axis]
      rest /= shape[axis]
    }
    return (index, position)
  }
}
