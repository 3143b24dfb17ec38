internal import CKernels

/// Resizes 8-bit images and writes crops of them as a network's input, on one thread.
///
/// Bilinear interpolation without anti-aliasing or rounding; OpenCV's `resize` and Caffe's tools do
/// the same, but round to 8 bits. Every kernel class gives the same bits.
package final class Resampler {
  /// What the image is resized to, and what becomes of its values.
  package struct Target: Equatable, Sendable {
    package var width: Int
    package var height: Int
    /// The result's channels are B, G, R.
    package var swapsRedAndBlue: Bool
    /// Results are value · scale − mean, the three means in the order of the result.
    package var scale: Float
    package var mean: [Float]

    package init(
      width: Int, height: Int, swapsRedAndBlue: Bool, scale: Float, mean: [Float]
    ) {
      precondition(width > 0 && height > 0 && mean.count == 3, "an image of three channels")
      (self.width, self.height) = (width, height)
      (self.swapsRedAndBlue, self.scale, self.mean) = (swapsRedAndBlue, scale, mean)
    }
  }

  /// A crop of the resized image: its top left pixel, and whether it is mirrored left to right.
  package struct Crop: Equatable, Sendable {
    package var x: Int
    package var y: Int
    package var isMirrored: Bool

    package init(x: Int, y: Int, isMirrored: Bool = false) {
      (self.x, self.y, self.isMirrored) = (x, y, isMirrored)
    }
  }

  private let kernels: NetworkKernels
  private let target: Target
  private let scaling: decaf_pixel_scaling
  private let crops: [Crop]
  /// Sides of every crop.
  private let side: Int
  /// The resized image's columns and rows that the crops cover.
  private let columns: Range<Int>
  private let rows: Range<Int>
  private var columnTaps: [decaf_tap] = []
  private var rowTaps: [decaf_tap] = []
  /// The parts that the taps are of: images of one size share them.
  private var parts: (columns: AxisPart, rows: AxisPart)?
  /// The old image at the height of one new row. Rows are blended first, since that loop runs over
  /// neighbouring numbers.
  private var blended = FloatBuffer(count: 0)
  /// A row of the result, the crops' columns, and a crop's row the other way round.
  private let line: FloatBuffer
  private let mirrored: FloatBuffer

  /// - Parameters:
  ///   - crops: at least one; inside the resized image.
  ///   - side: both sides of a crop.
  package init(_ target: Target, crops: [Crop], side: Int, kernels: NetworkKernels) {
    precondition(
      side > 0
        && crops.allSatisfy {
          $0.x >= 0 && $0.y >= 0 && $0.x + side <= target.width && $0.y + side <= target.height
        }, "crops beyond the resized image")
    (self.target, self.crops, self.side, self.kernels) = (target, crops, side, kernels)
    columns = crops.map(\.x).min()!..<crops.map(\.x).max()! + side
    rows = crops.map(\.y).min()!..<crops.map(\.y).max()! + side
    line = FloatBuffer(count: 3 * columns.count)
    mirrored = FloatBuffer(count: 3 * side)
    let mean = target.mean
    scaling = decaf_pixel_scaling(
      scale: target.scale, mean: (mean[0], mean[1], mean[2]),
      swaps_red_and_blue: target.swapsRedAndBlue ? 1 : 0)
  }

  /// Resizes a part of an image and writes the crops.
  ///
  /// - Parameters:
  ///   - pixels: rows of `width` pixels of three bytes.
  ///   - parts: what becomes the resized image.
  ///   - place: that of each crop by its number: three channels, `side` × `side`.
  package func run(
    _ pixels: Span<UInt8>, width: Int, parts: (columns: AxisPart, rows: AxisPart),
    into place: (Int) -> ImagePlace
  ) {
    precondition(
      parts.columns.pixels.lowerBound >= 0 && parts.columns.pixels.upperBound <= width
        && parts.rows.pixels.lowerBound >= 0
        && parts.rows.pixels.upperBound * width * 3 <= pixels.count, "a part beyond the image")
    if self.parts == nil || self.parts! != parts {
      parts.columns.setTaps(&columnTaps, count: target.width, wanted: columns)
      parts.rows.setTaps(&rowTaps, count: target.height, wanted: rows)
      self.parts = parts
    }
    // Beyond the last pixel the kernel reads what it multiplies by zero.
    if blended.count < 3 * width + 8 {
      // Memory of buffers is not cut anew: few of them, though images grow ever wider.
      blended = FloatBuffer(count: max(3 * width + 8, 2 * blended.count))
    }
    let first = 3 * Int(columnTaps.first!.first)
    let end = 3 * min(Int(columnTaps.last!.first) + 2, parts.columns.pixels.upperBound)
    let lastRow = parts.rows.pixels.upperBound - 1
    pixels.withUnsafeBufferPointer { pixels in
      for (offset, tap) in rowTaps.enumerated() {
        let above = pixels.baseAddress! + Int(tap.first) * width * 3 + first
        let below =
          pixels.baseAddress! + min(Int(tap.first) + 1, lastRow) * width * 3 + first
        kernels.table.pointee.blend_rows(
          above, below, tap.fraction, end - first, blended.base + first)
        writeRow(rows.lowerBound + offset, into: place)
      }
    }
  }

  /// Finishes the row `y` of the resized image and hands it to the crops that it goes through.
  private func writeRow(_ y: Int, into place: (Int) -> ImagePlace) {
    if crops.count == 1, !crops[0].isMirrored,
      let target = checked(place(0)).line(y - crops[0].y)
    {
      blendColumns(into: target)
      return
    }
    blendColumns(into: line.base)
    for (number, crop) in crops.enumerated() where (crop.y..<crop.y + side).contains(y) {
      let source = line.base + 3 * (crop.x - columns.lowerBound)
      if crop.isMirrored {
        for x in 0..<side {
          (mirrored.base + 3 * x).update(from: source + 3 * (side - 1 - x), count: 3)
        }
      }
      checked(place(number)).setLine(y - crop.y, crop.isMirrored ? mirrored.base : source)
    }
  }

  private func blendColumns(into target: UnsafeMutablePointer<Float>) {
    withUnsafePointer(to: scaling) { scaling in
      columnTaps.withUnsafeBufferPointer { taps in
        kernels.table.pointee.blend_columns(
          blended.base, taps.baseAddress!, taps.count, scaling, target)
      }
    }
  }

  private func checked(_ place: ImagePlace) -> ImagePlace {
    let layout = place.layout
    precondition(
      layout.channels == 3 && layout.width == side && layout.height == side,
      "a map of another shape")
    return place
  }
}
