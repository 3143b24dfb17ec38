/// Resizes 8-bit images in the ways of other libraries and writes a crop as a network's input, on one
/// thread: with or without anti-aliasing and rounding, with what edge one likes, upside down, with
/// a mean image. `Resampler` does less, and is faster.
///
/// Columns are filtered before rows, as in Pillow. Every processor gives the same bits.
package final class FilteredResampler {
  /// What lies beyond the image's edge, for pixels whose centre is nearer to it than that of the
  /// outermost pixel.
  package enum Edge: Sendable {
    /// The outermost pixels go on.
    case extended
    /// Zero in every channel.
    case black
    /// The smallest value of any channel of the image.
    case darkest
  }

  /// How the image is resized.
  package struct Method: Sendable {
    /// Pixels that become fewer are averaged, as in Pillow.
    package var antialias: Bool
    /// Results are whole grey levels; with `antialias`, those of the columns are, too, as in Pillow.
    package var rounds: Bool
    package var edge: Edge

    package init(antialias: Bool, rounds: Bool, edge: Edge) {
      (self.antialias, self.rounds, self.edge) = (antialias, rounds, edge)
    }
  }

  /// What becomes of a crop's values: `(value · scale − mean) / deviation`, three channels each in the
  /// order of the result. A mean image is subtracted with the mean.
  package struct Output: Sendable {
    /// The result's channels are B, G, R.
    package var swapsRedAndBlue: Bool
    /// The first row becomes the last.
    package var isUpsideDown: Bool
    package var scale: Float
    package var mean: [Float]
    package var deviation: [Float]
    /// Subtracted beside the means; nil for none.
    package var meanImage: MeanImage?

    package init(
      swapsRedAndBlue: Bool, isUpsideDown: Bool, scale: Float, mean: [Float], deviation: [Float],
      meanImage: MeanImage?
    ) {
      precondition(mean.count == 3 && deviation.count == 3, "an image of three channels")
      (self.swapsRedAndBlue, self.isUpsideDown) = (swapsRedAndBlue, isUpsideDown)
      (self.scale, self.mean, self.deviation) = (scale, mean, deviation)
      self.meanImage = meanImage
    }
  }

  /// A crop of the resized image.
  package struct Region: Equatable, Sendable {
    package var x: Int
    package var y: Int
    package var width: Int
    package var height: Int

    package init(x: Int, y: Int, width: Int, height: Int) {
      (self.x, self.y, self.width, self.height) = (x, y, width, height)
    }
  }

  private let method: Method
  private let output: Output
  /// A row of the crop's columns at an old row.
  private var line = FloatBuffer(count: 0)
  /// The crop, row by row, while old rows are added to it.
  private var sums = FloatBuffer(count: 0)

  package init(_ method: Method, _ output: Output) { (self.method, self.output) = (method, output) }

  /// Resizes a part of an image; keeps the crop until `write` takes it.
  ///
  /// - Parameters:
  ///   - pixels: rows of `width` pixels of three bytes.
  ///   - parts: what becomes the resized image of `newWidth` × `newHeight`.
  ///   - region: the crop, inside the resized image.
  package func run(
    _ pixels: Span<UInt8>, width: Int, parts: (columns: AxisPart, rows: AxisPart), newWidth: Int,
    newHeight: Int, region: Region
  ) {
    precondition(
      parts.columns.pixels.lowerBound >= 0 && parts.columns.pixels.upperBound <= width
        && parts.rows.pixels.lowerBound >= 0
        && parts.rows.pixels.upperBound * width * 3 <= pixels.count, "a part beyond the image")
    precondition(
      region.x >= 0 && region.y >= 0 && region.x + region.width <= newWidth
        && region.y + region.height <= newHeight, "a crop beyond the resized image")
    let extendsEdge = method.edge == .extended
    let columns = AxisTaps(
      parts.columns, count: newWidth, wanted: region.x..<region.x + region.width,
      antialias: method.antialias, extendsEdge: extendsEdge)
    let rows = AxisTaps(
      parts.rows, count: newHeight, wanted: region.y..<region.y + region.height,
      antialias: method.antialias, extendsEdge: extendsEdge)
    let beyond = method.edge == .darkest ? darkest(pixels, width: width, parts) : 0
    let count = 3 * region.width
    line = FloatBuffer(count: count)
    sums = FloatBuffer(count: count * region.height)
    for i in 0..<sums.count { sums.base[i] = 0 }
    pixels.withUnsafeBufferPointer { pixels in
      var first = 0
      for y in rows.ranges.first!.lowerBound..<rows.ranges.last!.upperBound {
        while rows.ranges[first].upperBound <= y { first += 1 }
        var end = first
        while end < region.height && rows.ranges[end].lowerBound <= y { end += 1 }
        if first == end { continue }
        filterColumns(pixels.baseAddress! + y * width * 3, columns, beyond: beyond)
        if method.antialias && method.rounds { Self.round(line) }
        for row in first..<end {
          let weight = rows.weights[rows.starts[row] + y - rows.ranges[row].lowerBound]
          let target = sums.base + row * count
          for x in 0..<count { target[x] += weight * line.base[x] }
        }
      }
    }
    for row in 0..<region.height where rows.outside[row] > 0 {
      for x in 0..<count { sums.base[row * count + x] += rows.outside[row] * beyond }
    }
    if method.rounds { Self.round(sums) }
  }

  private func filterColumns(
    _ pixels: UnsafePointer<UInt8>, _ columns: AxisTaps, beyond: Float
  ) {
    let target = line.base
    for x in columns.ranges.indices {
      let share = columns.outside[x] * beyond
      var (red, green, blue) = (share, share, share)
      var pixel = 3 * columns.ranges[x].lowerBound
      for tap in columns.starts[x]..<columns.starts[x] + columns.ranges[x].count {
        let weight = columns.weights[tap]
        red += weight * Float(pixels[pixel])
        green += weight * Float(pixels[pixel + 1])
        blue += weight * Float(pixels[pixel + 2])
        pixel += 3
      }
      (target[3 * x], target[3 * x + 1], target[3 * x + 2]) = (red, green, blue)
    }
  }

  private func darkest(
    _ pixels: Span<UInt8>, width: Int, _ parts: (columns: AxisPart, rows: AxisPart)
  ) -> Float {
    var least: UInt8 = 255
    for y in parts.rows.pixels {
      let row = y * width * 3
      for i in row + 3 * parts.columns.pixels.lowerBound..<row + 3 * parts.columns.pixels.upperBound
      { least = min(least, pixels[i]) }
    }
    return Float(least)
  }

  /// To whole grey levels, halves up.
  private static func round(_ values: FloatBuffer) {
    let base = values.base
    for i in 0..<values.count { base[i] = min(max((base[i] + 0.5).rounded(.down), 0), 255) }
  }

  /// Writes the crop that `run` made.
  ///
  /// - Parameters:
  ///   - meanOrigin: the place of the result's first pixel, before it is mirrored, in the mean image.
  ///   - place: three channels of the crop's size.
  package func write(
    isMirrored: Bool, meanOrigin: (x: Int, y: Int), into place: ImagePlace
  ) {
    let layout = place.layout
    let (width, height) = (layout.width, layout.height)
    precondition(
      layout.channels == 3 && sums.count == 3 * width * height, "a map of another shape")
    let (swaps, scale) = (output.swapsRedAndBlue, output.scale)
    for y in 0..<height {
      let source = sums.base + 3 * width * (output.isUpsideDown ? height - 1 - y : y)
      for x in 0..<width {
        let target = line.base + 3 * (isMirrored ? width - 1 - x : x)
        for channel in 0..<3 {
          let value = source[3 * x + (swaps ? 2 - channel : channel)] * scale
          let local = output.meanImage?[channel, meanOrigin.y + y, meanOrigin.x + x] ?? 0
          target[channel] =
            (value - output.mean[channel] - local) / output.deviation[channel]
        }
      }
      place.setLine(y, line.base)
    }
  }
}
