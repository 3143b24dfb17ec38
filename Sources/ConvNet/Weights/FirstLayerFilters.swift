internal import Tensors

/// Draws conv1: 96 filters of 3 × 11 × 11 (B, G, R) as trained AlexNets have them.
///
/// Krizhevsky et al. (2012, figure 3) show two halves, one of gray gratings and one of coloured
/// blobs. Here the first 48 are Gabor filters in all three channels alike: 8 orientations × 3
/// wavelengths × even and odd phase, free of a constant part. The other 48 answer to hue and not to
/// brightness: 6 opponent axes × (blob of either sign, centre against surround, 2 orientations ×
/// even and odd, one grating of a finer wavelength). A little seeded jitter keeps them apart.
enum FirstLayerFilters {
  static let count = 96
  static let side = 11
  static let shape = [count, 3, side, side]

  /// Length of a filter's weight vector; trained networks have 0.4 to 1.7, median 1.0.
  private static let norm = 1.0

  /// Row-major `96×3×11×11`.
  static func make(_ generator: inout SeededGenerator) -> [Float] {
    var filters = [Float]()
    for index in 0..<count {
      let jitter = { (generator: inout SeededGenerator) in 2 * generator.uniform() - 1 }
      var pattern = index < 48 ? gray(index) : colour((index - 48) % 8)
      pattern.angle += 0.03 * jitter(&generator)
      pattern.wavelength *= 1 + 0.08 * jitter(&generator)
      pattern.phase += 0.15 * jitter(&generator)
      pattern.x += 0.6 * jitter(&generator)
      pattern.y += 0.6 * jitter(&generator)
      let weights = index < 48 ? [1, 1, 1] : opponent((index - 48) / 8, jitter(&generator))
      filters += render(pattern, weights, balanced: index < 48 || pattern.isBalanced)
    }
    return filters
  }

  /// A grating or blob under a round window; lengths in pixels, angles in turns.
  private struct Pattern {
    var angle = 0.0
    /// Infinite for a blob.
    var wavelength = Double.infinity
    /// 0 is even (a bar in the middle), a quarter is odd (an edge).
    var phase = 0.0
    var x = 0.0
    var y = 0.0
    /// Where the window reaches zero.
    var radius = 7.0
    /// Rings around the centre rather than bars.
    var isRadial = false
    /// The spatial mean is taken away.
    var isBalanced = false
  }

  private static func gray(_ index: Int) -> Pattern {
    let (orientation, scale, phase) = (index / 6, index / 2 % 3, index % 2)
    return Pattern(
      angle: Double(orientation) / 16, wavelength: [3.2, 5, 8.5][scale],
      phase: 0.25 * Double(phase), radius: [6, 6.8, 8][scale])
  }

  private static func colour(_ index: Int) -> Pattern {
    switch index {
    case 0: Pattern(radius: 6)
    case 1: Pattern(phase: 0.5, radius: 6)
    case 2: Pattern(wavelength: 10, isRadial: true, isBalanced: true)
    case 7: Pattern(angle: 0.125, wavelength: 5, radius: 6.8, isBalanced: true)
    default:
      Pattern(
        angle: 0.25 * Double((index - 3) / 2) + 0.06, wavelength: 10,
        phase: 0.25 * Double((index - 3) % 2), radius: 8, isBalanced: true)
    }
  }

  /// Weights of B, G, R on a circle in the plane where they sum to zero.
  private static func opponent(_ axis: Int, _ jitter: Double) -> [Double] {
    let angle = (Double(axis) + 0.2 * jitter) / 12
    let (u, v) = (cosine(angle), cosine(angle - 0.25))
    let root = 3.0.squareRoot()
    let (red, green, blue) = (u - v / root, -u - v / root, 2 * v / root)
    return [blue, green, red]
  }

  private static func render(
    _ pattern: Pattern, _ weights: [Double], balanced: Bool
  ) -> [Float] {
    let (cos, sin) = (cosine(pattern.angle), cosine(pattern.angle - 0.25))
    var window = [Double]()
    var values = [Double]()
    for row in 0..<side {
      for column in 0..<side {
        let (x, y) = (Double(column - 5) - pattern.x, Double(row - 5) - pattern.y)
        let inside = max(0, 1 - (x * x + y * y) / (pattern.radius * pattern.radius))
        // A polynomial in place of the Gaussian: no exponential, and zero at its edge.
        window.append(inside * inside)
        let distance = pattern.isRadial ? (x * x + y * y).squareRoot() : x * cos + y * sin
        values.append(cosine(distance / pattern.wavelength - pattern.phase))
      }
    }
    let mean = zip(values, window).reduce(0) { $0 + $1.0 * $1.1 } / window.reduce(0, +)
    for i in values.indices {
      values[i] = window[i] * (values[i] - (balanced ? mean : 0))
    }
    let filter = weights.flatMap { weight in values.map { weight * $0 } }
    let length = filter.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return filter.map { Float(norm * $0 / length) }
  }

  /// The cosine of an angle in turns, by its series: the C library's last bits are not the same
  /// everywhere, and files of one seed should be.
  static func cosine(_ turns: Double) -> Double {
    let x = (turns - turns.rounded()) * 2 * Double.pi
    var (term, sum) = (1.0, 1.0)
    for n in stride(from: 1.0, through: 31, by: 2) {
      term *= -x * x / (n * (n + 1))
      sum += term
    }
    return sum
  }
}
