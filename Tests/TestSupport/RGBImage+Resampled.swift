package import Images

extension RGBImage {
  /// The twin of `Resampler`, to the bit: a part of the image after it has been warped to `width`×`height` pixels.
  ///
  /// Bilinear interpolation without anti-aliasing or rounding, with half-pixel centres: pixel i of n
  /// stands at (i + ½)·(old n ÷ new n) − ½ in the old image, moved to its first or last pixel when
  /// beyond them. OpenCV's `resize` and Caffe's tools do the same, but round to 8 bits.
  ///
  /// - Parameter region: the pixels of the warped image to compute; their values do not depend on it.
  /// - Returns: `region.height×region.width×3`, row-major, RGB, 0…255.
  /// - Precondition: `region` lies inside the warped image and is not empty.
  package func resampled(width: Int, height: Int, region: Box) -> [Float] {
    precondition(!region.isEmpty, "nothing to compute")
    precondition(
      region == region.clipped(width: width, height: height), "region beyond the warped image")
    let columns = taps(from: self.width, to: width, region.x..<region.x + region.width)
    let rows = taps(from: self.height, to: height, region.y..<region.y + region.height)
    var result = [Float](repeating: 0, count: region.height * region.width * 3)
    // The old image at the height of one new row, in the columns that are needed: rows first, since
    // that loop runs over neighbouring numbers.
    let used = columns.first!.first * 3..<columns.last!.second * 3 + 3
    var blended = [Float](repeating: 0, count: used.count)
    for (y, row) in rows.enumerated() {
      blend(
        pixels.span.extracting(line(row.first, used)),
        pixels.span.extracting(line(row.second, used)), row.fraction, &blended)
      var output = y * region.width * 3
      for column in columns {
        let left = column.first * 3 - used.lowerBound
        let right = column.second * 3 - used.lowerBound
        for channel in 0..<3 {
          let value = blended[left + channel]
          result[output + channel] =
            value + (blended[right + channel] - value) * column.fraction
        }
        output += 3
      }
    }
    return result
  }

  /// Where the values `range` of row `y` are.
  private func line(_ y: Int, _ range: Range<Int>) -> Range<Int> {
    y * width * 3 + range.lowerBound..<y * width * 3 + range.upperBound
  }
}

/// The two old pixels that a new pixel lies between along one axis.
private struct Tap {
  var first: Int
  var second: Int
  /// 0 at `first`, 1 at `second`.
  var fraction: Float
}

private func taps(from oldCount: Int, to newCount: Int, _ range: Range<Int>) -> [Tap] {
  range.map { i in
    let position = (Double(i) + 0.5) * Double(oldCount) / Double(newCount) - 0.5
    let clamped = min(max(position, 0), Double(oldCount - 1))
    let first = Int(clamped)
    return Tap(
      first: first, second: min(first + 1, oldCount - 1),
      fraction: Float(clamped - Double(first)))
  }
}

/// Interpolates between two rows of equal length.
private func blend(
  _ above: Span<UInt8>, _ below: Span<UInt8>, _ fraction: Float, _ result: inout [Float]
) {
  let count = result.count
  precondition(above.count == count && below.count == count)
  var result = result.mutableSpan
  for i in 0..<count {
    let value = Float(above[i])
    result[i] = value + (Float(below[i]) - value) * fraction
  }
}
