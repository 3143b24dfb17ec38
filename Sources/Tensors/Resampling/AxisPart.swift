internal import CKernels

/// A stretch of an axis of pixels: what a resized image is made of.
package struct AxisPart: Equatable, Sendable {
  /// The pixels that lie in the stretch, wholly or in part.
  package var pixels: Range<Int>
  /// Where the stretch begins, in pixels after the first one's edge: 0..<1.
  package var start: Double
  /// In pixels, the last perhaps in part.
  package var length: Double

  package init(pixels: Range<Int>, start: Double = 0, length: Double) {
    precondition(!pixels.isEmpty && start >= 0 && length > 0, "nothing to resize")
    (self.pixels, self.start, self.length) = (pixels, start, length)
  }

  /// Writes the taps of the new pixels `wanted` when the stretch becomes `count` pixels.
  ///
  /// Half-pixel centres: pixel i of n stands at `start + (i + ½)·length/n − ½`, moved to the first or
  /// last pixel when beyond them.
  func setTaps(_ taps: inout [decaf_tap], count: Int, wanted: Range<Int>) {
    taps.removeAll(keepingCapacity: true)
    for i in wanted {
      let position = (Double(i) + 0.5) * length / Double(count) - 0.5 + start
      let clamped = min(max(position, 0), Double(pixels.count - 1))
      let first = Int(clamped)
      taps.append(
        decaf_tap(
          first: Int32(pixels.lowerBound + first), fraction: Float(clamped - Double(first))))
    }
  }
}
