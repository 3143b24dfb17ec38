/// A fixed number of floats at one place in memory, aligned for vector kernels, zero at first.
///
/// Several threads may read and write it at once as long as no two touch the same
/// element and one of them writes: the plan that hands out the work sees to that.
package final class FloatBuffer: @unchecked Sendable {
  // Invariant behind `@unchecked`: `base` and `count` never change; whoever runs kernels on several
  // threads gives each its own elements to write, and waits for them before it reads.
  let base: UnsafeMutablePointer<Float>
  package let count: Int
  private let arena: Arena

  package init(count: Int) {
    precondition(count >= 0, "a buffer cannot have \(count) floats")
    let place = Arena.place(byteCount: max(count, 1) * MemoryLayout<Float>.stride)
    arena = place.arena
    base = place.start.bindMemory(to: Float.self, capacity: max(count, 1))
    self.count = count
  }

  package subscript(index: Int) -> Float {
    get {
      precondition(index >= 0 && index < count, "index beyond the buffer")
      return base[index]
    }
    set {
      precondition(index >= 0 && index < count, "index beyond the buffer")
      base[index] = newValue
    }
  }

  /// Calls `body` with `range` of the floats.
  package func withSpan<R, E: Error>(
    _ range: Range<Int>, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range beyond the buffer")
    return try body(
      UnsafeBufferPointer(start: base + range.lowerBound, count: range.count).span)
  }

  /// Calls `body` with `range` of the floats, to be changed.
  package func withMutableSpan<R, E: Error>(
    _ range: Range<Int>, _ body: (inout MutableSpan<Float>) throws(E) -> R
  ) throws(E) -> R {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range beyond the buffer")
    let elements = UnsafeMutableBufferPointer(start: base + range.lowerBound, count: range.count)
    var span = elements.mutableSpan
    return try body(&span)
  }

  /// A copy of `range` of the floats.
  package func floats(_ range: Range<Int>) -> [Float] {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "range beyond the buffer")
    return Array(UnsafeBufferPointer(start: base + range.lowerBound, count: range.count))
  }

  /// Replaces the floats from `start` on by `values`.
  package func replace(from start: Int, with values: [Float]) {
    precondition(start >= 0 && values.count <= count - start, "values beyond the buffer")
    values.withUnsafeBufferPointer { values in
      if let source = values.baseAddress {
        (base + start).update(from: source, count: values.count)
      }
    }
  }
}
