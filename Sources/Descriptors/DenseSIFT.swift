package import Tensors

/// SIFT descriptors (Lowe, “Distinctive image features from scale-invariant keypoints”, 2004, section
/// 6) of patches on a regular grid.
///
/// A patch of 16×16 pixels every 6 pixels, the grid in the middle of the image, as in the program of
/// Wang et al. (2010). Gray values of 0…1 are smoothed by a Gaussian of 0.8 pixels; gradients are
/// central differences; each goes by linear interpolation into 2 of 8 orientations and up to 2×2 of
/// the 4×4 bins, 4 pixels wide, and counts by a Gaussian of 8 pixels about the patch's centre: the
/// arithmetic of VLFeat's `dsift`. An element's number is `orientation + 8·(column + 4·row)`.
///
/// The values are made to length 1, cut at 0.2, and made to length 1 again. A flat patch stays short:
/// below `lowContrast` its length is not stretched. Nothing here is chosen by processor.
package struct DenseSIFT: Sendable {
  package static let patch = 16
  package static let step = 6
  /// Values of a descriptor.
  package static let width = 128
  /// The length that flatter patches are divided by: that of a straight edge of about 20 gray levels.
  /// The threshold of 1 in Wang et al.'s program, in whose units such an edge is as long, is there.
  static let lowContrast: Float = 0.4
  static let cut: Float = 0.2

  private static let binWidth = 4
  private static let bins = 4
  /// Edge pixels are repeated so far beyond the edge: the outermost bins reach there.
  private static let margin = 2

  /// Descriptors of one image.
  package struct Result {
    /// `count×128`.
    package var values: [Float]
    /// The patches' first columns and rows, in pixels; patches go row by row.
    package var columns: [Int]
    package var rows: [Int]
    /// Of the image, at least a patch.
    package var imageWidth: Int
    package var imageHeight: Int

    package var count: Int { columns.count * rows.count }
  }

  /// Of each bin along an axis, its weights at 3 pixels before its centre to 3 pixels after.
  private let weights: [[Float]]
  /// Of the smoothing, at 2 pixels before to 2 pixels after.
  private let smoothing: [Float]

  package init() {
    let width = Double(Self.binWidth)
    weights = (0..<Self.bins).map { bin in
      let center = width * (Double(bin) - Double(Self.bins - 1) / 2)
      return (-3...3).map { offset in
        let z = (center + Double(offset)) / (2 * width)
        return Float((1 - abs(Double(offset)) / width) * Elementary.exp(-z * z / 2))
      }
    }
    let sigma = 0.8
    let gains = (-2...2).map { Elementary.exp(-Double($0 * $0) / (2 * sigma * sigma)) }
    let sum = gains.reduce(0, +)
    smoothing = gains.map { Float($0 / sum) }
  }

  /// Where patches begin along an axis of `length` pixels, at least one patch.
  package static func places(_ length: Int) -> [Int] {
    let spare = length - patch
    return Array(stride(from: spare % step / 2, through: spare, by: step))
  }

  /// The descriptors of an image.
  ///
  /// - Parameter pixels: three channels, red, green, blue, of 0…255; the edge of an image smaller than
  ///   a patch goes on.
  package func run(_ pixels: FeatureMap) -> Result {
    let gray = GrayImage(pixels, least: Self.patch).smoothed(smoothing)
    var result = Result(
      values: [], columns: Self.places(gray.width), rows: Self.places(gray.height),
      imageWidth: gray.width, imageHeight: gray.height)
    let maps = orientations(of: gray)
    let binned = binnedAlongRows(maps, gray, columns: result.columns)
    result.values = [Float](repeating: 0, count: result.count * Self.width)
    var patch = [SIMD8<Float>](repeating: .zero, count: Self.bins * Self.bins)
    for (j, y) in result.rows.enumerated() {
      for i in result.columns.indices {
        collect(binned, column: i, of: result.columns.count, y: y, into: &patch)
        Self.normalize(&patch)
        let start = (j * result.columns.count + i) * Self.width
        for (bin, histogram) in patch.enumerated() {
          for k in 0..<8 { result.values[start + 8 * bin + k] = histogram[k] }
        }
      }
    }
    return result
  }

  /// The gradient of every pixel, shared among orientations; with the margin.
  private func orientations(of gray: GrayImage) -> [SIMD8<Float>] {
    let (width, height, margin) = (gray.width, gray.height, Self.margin)
    let pitch = width + 2 * margin
    var maps = [SIMD8<Float>](repeating: .zero, count: pitch * (height + 2 * margin))
    for y in 0..<height {
      for x in 0..<width {
        maps[(y + margin) * pitch + x + margin] = Self.histogram(gray.gradient(x, y))
      }
    }
    for y in 0..<height + 2 * margin {
      let source = min(max(y, margin), height + margin - 1)
      for x in 0..<pitch {
        maps[y * pitch + x] = maps[source * pitch + min(max(x, margin), width + margin - 1)]
      }
    }
    return maps
  }

  private static func histogram(_ gradient: (x: Float, y: Float)) -> SIMD8<Float> {
    let length = (gradient.x * gradient.x + gradient.y * gradient.y).squareRoot()
    var angle = Elementary.angle(x: Double(gradient.x), y: Double(gradient.y))
    if angle < 0 { angle += 2 * .pi }
    let place = angle * (4 / .pi)
    let first = min(Int(place), 7)
    let rest = Float(place - Double(first))
    var histogram = SIMD8<Float>.zero
    histogram[first] = (1 - rest) * length
    histogram[(first + 1) % 8] += rest * length
    return histogram
  }

  /// For every line with its margin, every column of patches and every bin along it: the weighted sum
  /// of the line's pixels.
  private func binnedAlongRows(
    _ maps: [SIMD8<Float>], _ gray: GrayImage, columns: [Int]
  ) -> [SIMD8<Float>] {
    let pitch = gray.width + 2 * Self.margin
    let lines = gray.height + 2 * Self.margin
    var binned: [SIMD8<Float>] = []
    binned.reserveCapacity(lines * columns.count * Self.bins)
    for y in 0..<lines {
      for x in columns {
        for bin in 0..<Self.bins {
          // The first bin's centre is 2 pixels into the patch.
          let first = y * pitch + x + Self.margin + 2 + Self.binWidth * bin - 3
          var sum = SIMD8<Float>.zero
          for k in 0..<7 { sum += maps[first + k] * weights[bin][k] }
          binned.append(sum)
        }
      }
    }
    return binned
  }

  /// The 4×4 histograms of the patch in the column of patches `column`, whose first line is `y`.
  private func collect(
    _ binned: [SIMD8<Float>], column: Int, of columnCount: Int, y: Int,
    into patch: inout [SIMD8<Float>]
  ) {
    for row in 0..<Self.bins {
      let first = y + Self.margin + 2 + Self.binWidth * row - 3
      for bin in 0..<Self.bins {
        var sum = SIMD8<Float>.zero
        for k in 0..<7 {
          sum += binned[((first + k) * columnCount + column) * Self.bins + bin] * weights[row][k]
        }
        patch[row * Self.bins + bin] = sum
      }
    }
  }

  private static func normalize(_ patch: inout [SIMD8<Float>]) {
    let length = length(patch)
    let isFlat = length < lowContrast
    let scale = 1 / (isFlat ? lowContrast : length)
    for i in patch.indices {
      patch[i] = (patch[i] * scale).clamped(
        lowerBound: .zero, upperBound: SIMD8(repeating: cut))
    }
    if isFlat { return }
    let again = 1 / Self.length(patch)
    for i in patch.indices { patch[i] *= again }
  }

  private static func length(_ patch: [SIMD8<Float>]) -> Float {
    var sum = SIMD8<Float>.zero
    for histogram in patch { sum += histogram * histogram }
    let half = sum.lowHalf + sum.highHalf
    return ((half[0] + half[2]) + (half[1] + half[3])).squareRoot()
  }
}
