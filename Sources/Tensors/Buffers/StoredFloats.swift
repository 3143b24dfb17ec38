package import Files

/// A read-only row of floats, in memory or spread over a mapped file, converted only when read.
///
/// Weights of hundreds of megabytes are handed around in this form: nothing is copied before
/// someone asks for a range, and ranks that map one file share its pages.
package struct StoredFloats: Sendable {
  /// `count` numbers in a file, `stride` bytes from one to the next, the first at `offset`.
  package struct Segment: Sendable, Hashable {
    package let element: ElementType
    package let offset: Int
    package let count: Int
    package let stride: Int

    /// - Parameter stride: nil when the numbers touch.
    /// - Precondition: `element` is a type of floats.
    package init(_ element: ElementType, offset: Int, count: Int, stride: Int? = nil) {
      self.element = element
      self.offset = offset
      self.count = count
      self.stride = stride ?? element.byteCount
    }

    /// One past the segment's last byte.
    package var endOffset: Int {
      count == 0 ? offset : offset + (count - 1) * stride + element.byteCount
    }
  }

  private enum Storage {
    case memory([Float])
    case mapped(MappedFile, [Segment])
    case strided(MappedFile, StridedNumbers)
  }

  private let storage: Storage
  package let count: Int

  package init(_ floats: [Float]) {
    storage = .memory(floats)
    count = floats.count
  }

  /// The numbers of `segments`, one after the other.
  ///
  /// - Precondition: every segment lies inside the file.
  package init(_ file: MappedFile, _ segments: [Segment]) {
    for segment in segments {
      precondition(
        segment.offset >= 0 && segment.count >= 0 && segment.endOffset <= file.byteCount,
        "numbers beyond the file's end")
    }
    storage = .mapped(file, segments)
    count = segments.reduce(0) { $0 + $1.count }
  }

  /// The numbers of an array in row-major order of its axes, however they lie in the file.
  ///
  /// - Precondition: all of them lie inside the file.
  package init(_ file: MappedFile, _ numbers: StridedNumbers) {
    precondition(numbers.endOffset <= file.byteCount, "numbers beyond the file's end")
    storage = numbers.segment.map { .mapped(file, [$0]) } ?? .strided(file, numbers)
    count = numbers.count
  }

  /// A copy of `range` of the numbers, or of all, as `Float`.
  package func floats(_ range: Range<Int>? = nil) -> [Float] {
    let range = range ?? 0..<count
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range beyond the numbers")
    switch storage {
    case .memory(let floats): return Array(floats[range])
    case .strided(let file, let numbers): return numbers.floats(range, of: file)
    case .mapped(let file, let segments):
      return [Float](unsafeUninitializedCapacity: range.count) { buffer, initializedCount in
        var first = 0
        for segment in segments {
          let wanted = range.clamped(to: first..<first + segment.count)
          if !wanted.isEmpty {
            let local = wanted.lowerBound - first..<wanted.upperBound - first
            Self.copy(
              segment, local, of: file,
              to: UnsafeMutableBufferPointer(rebasing: buffer[initializedCount...]))
            initializedCount += wanted.count
          }
          first += segment.count
        }
      }
    }
  }

  /// Calls `body` with `range` of the numbers: without a copy when they are in memory or lie aligned
  /// in the file as float32.
  package func withFloats<R, E: Error>(
    _ range: Range<Int>? = nil, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    let range = range ?? 0..<count
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range beyond the numbers")
    switch storage {
    case .memory(let floats):
      return try body(floats.span.extracting(range))
    case .mapped(let file, let segments):
      if segments.count == 1, isContiguousFloat32(segments[0]) {
        let start = segments[0].offset + 4 * range.lowerBound
        return try file.withBytes(start..<start + 4 * range.count) { raw throws(E) in
          try body(raw.assumingMemoryBound(to: Float.self).span)
        }
      }
      return try body(floats(range).span)
    case .strided(let file, let numbers):
      return try body(numbers.floats(range, of: file).span)
    }
  }

  /// The numbers are float32 in one piece, in memory or in the file; there perhaps not aligned.
  var isInPlace: Bool {
    switch storage {
    case .memory: true
    case .strided: false
    case .mapped(_, let segments):
      segments.count == 1 && segments[0].element == .float32 && segments[0].stride == 4
    }
  }

  /// Calls `body` with the address of the first number, float32 without a copy.
  ///
  /// - Precondition: `isInPlace`.
  func withBytesInPlace(_ body: (UnsafeRawPointer) -> Void) {
    precondition(isInPlace, "numbers that have to be converted")
    switch storage {
    case .memory(let floats):
      floats.withUnsafeBytes { body($0.baseAddress!) }
    case .strided: preconditionFailure("numbers that have to be gathered")
    case .mapped(let file, let segments):
      file.withBytes(segments[0].offset..<segments[0].endOffset) { body($0.baseAddress!) }
    }
  }

  /// Calls `body` with all numbers in order, in pieces of a few megabytes at most.
  package func forEachPiece<E: Error>(
    _ body: (Span<Float>) throws(E) -> Void
  ) throws(E) {
    let pieceCount = 1 << 18
    var first = 0
    while first < count {
      let end = min(first + pieceCount, count)
      try withFloats(first..<end, body)
      first = end
    }
  }

  private func isContiguousFloat32(_ segment: Segment) -> Bool {
    segment.element == .float32 && segment.stride == 4 && segment.offset % 4 == 0
  }

  /// Converts the numbers `range` of `segment` into the first places of `destination`.
  private static func copy(
    _ segment: Segment, _ range: Range<Int>, of file: MappedFile,
    to destination: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(range.upperBound <= segment.count && range.count <= destination.count)
    let target = destination.baseAddress!
    let stride = segment.stride
    let start = segment.offset + range.lowerBound * stride
    let end = start + (range.count - 1) * stride + segment.element.byteCount
    file.withBytes(start..<end) { raw in
      let source = raw.baseAddress!
      switch segment.element {
      case .float32 where stride == 4:
        UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: 4 * range.count)
      case .float32:
        for i in 0..<range.count {
          (target + i).initialize(
            to: source.loadUnaligned(fromByteOffset: i * stride, as: Float.self))
        }
      case .float64:
        for i in 0..<range.count {
          let value = source.loadUnaligned(fromByteOffset: i * stride, as: Double.self)
          (target + i).initialize(to: Float(value))
        }
      case .float16:
        for i in 0..<range.count {
          let value = source.loadUnaligned(fromByteOffset: i * stride, as: Float16.self)
          (target + i).initialize(to: Float(value))
        }
      case .bfloat16:
        for i in 0..<range.count {
          let bits = source.loadUnaligned(fromByteOffset: i * stride, as: UInt16.self)
          (target + i).initialize(to: Float(bitPattern: UInt32(bits) << 16))
        }
      case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64:
        preconditionFailure("\(segment.element.rawValue) is no type of floats")
      }
    }
  }
}
