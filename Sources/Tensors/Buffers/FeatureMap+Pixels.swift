extension FeatureMap {
  /// Where the activations of a line lie in the buffer.
  private func range(ofLine y: Int) -> Range<Int> {
    let first = start + layout.origin + y * layout.pitch
    return first..<first + layout.width * layout.channels
  }

  /// Calls `body` with the channels of a line's pixels, one after the other.
  package func withLine<R, E: Error>(_ y: Int, _ body: (Span<Float>) throws(E) -> R) throws(E) -> R
  {
    try buffer.withSpan(range(ofLine: y), body)
  }

  /// Calls `body` with the channels of every pixel of some lines, to be changed; the frame stays as it
  /// is.
  ///
  /// - Parameter lines: nil for all.
  package func changePixels(
    _ lines: Range<Int>? = nil, _ body: (_ channels: inout MutableSpan<Float>) -> Void
  ) {
    for y in lines ?? 0..<layout.height {
      let line = range(ofLine: y)
      for x in 0..<layout.width {
        let first = line.lowerBound + x * layout.channels
        buffer.withMutableSpan(first..<first + layout.channels, body)
      }
    }
  }

  /// Takes some lines of another map of the same size.
  package func copyLines(_ lines: Range<Int>, of other: FeatureMap) {
    precondition(
      (other.layout.height, other.layout.width, other.layout.channels)
        == (layout.height, layout.width, layout.channels), "a map of another size")
    for y in lines {
      other.buffer.withSpan(other.range(ofLine: y)) { source in
        buffer.withMutableSpan(range(ofLine: y)) { target in
          for i in 0..<source.count { target[i] = source[i] }
        }
      }
    }
  }
}
