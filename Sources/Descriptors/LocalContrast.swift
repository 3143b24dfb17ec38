internal import Tensors

/// What LMgist does to gray values before it filters them (`prefilt`): their logarithm, less its slow
/// waves, divided by local contrast.
///
/// With L the low-pass filter of 4 cycles an image: `v = log(1 + i)`, `d = v − L·v`,
/// `d / (0.2 + √|L·d²|)`, all on the image with 5 mirrored pixels about it.
final class LocalContrast {
  private let side: Int
  private let size: Int
  private let lowPass: LowPass
  private var padded, slow: [Float]

  private static let border = 5
  private static let cyclesPerImage = 4.0

  init(side: Int, kernelClass: KernelClass) {
    self.side = side
    size = side + 2 * Self.border
    precondition(size % 2 == 0, "LMgist pads other sizes further")
    // The gain falls to 1/2 at the cut-off.
    let cutoff = Self.cyclesPerImage / Elementary.log(2).squareRoot()
    lowPass = LowPass(size: size, cutoff: cutoff, kernelClass: kernelClass)
    padded = [Float](repeating: 0, count: size * size)
    slow = padded
  }

  /// Replaces gray values, `side×side`.
  func normalize(_ gray: inout [Float]) {
    precondition(gray.count == side * side, "an image of another size")
    let (least, most) = (gray.min()!, gray.max()!)
    // An image of one gray value is black: it has no contrast to spread.
    let scale = most > least ? 255 / (most - least) : 0
    for i in gray.indices { gray[i] = Float(Elementary.log(Double((gray[i] - least) * scale) + 1)) }
    for y in 0..<size {
      let source = mirrored(y - Self.border, side) * side
      for x in 0..<size { padded[y * size + x] = gray[source + mirrored(x - Self.border, side)] }
    }
    lowPass.run(padded, into: &slow)
    for i in padded.indices { padded[i] -= slow[i] }
    let details = padded
    for i in padded.indices { padded[i] *= padded[i] }
    lowPass.run(padded, into: &slow)
    for y in 0..<side {
      for x in 0..<side {
        let place = (y + Self.border) * size + x + Self.border
        gray[y * side + x] = details[place] / (0.2 + abs(slow[place]).squareRoot())
      }
    }
  }
}
