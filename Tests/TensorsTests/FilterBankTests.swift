import Foundation
import Testing

@testable import Tensors

/// Beside discrete Fourier transforms by their definition, in double precision.
@Suite struct FilterBankTests {
  private static func turns(_ size: Int) -> [(cos: Double, sin: Double)] {
    (0..<size).map { i in
      let angle = 2 * Double.pi * Double(i) / Double(size)
      return (cos: cos(angle), sin: sin(angle))
    }
  }

  /// Not symmetric, so that exchanged axes and signs show.
  private static func transfer(_ filter: Int, _ column: Int, _ row: Int) -> Double {
    let (across, along) = (Double(row - 3 * filter - 2), Double(column + filter))
    return exp(-(across * across + along * along) / 90)
  }

  @Test(arguments: [(64, 0, 2), (64, 16, 2), (64, 16, 1), (192, 32, 4), (320, 32, 4)])
  func responsesAreThoseOfTheDefinition(size: Int, border: Int, blocks: Int) {
    let image = (0..<size * size).map { (i: Int) -> Float in Float((i * i / 3 + 7 * i) % 211) - 100
    }
    let rows = KernelClass.supported.map { kernelClass in
      let bank = FilterBank(
        size: size, border: border, blocks: blocks, filterCount: 2, kernelClass: kernelClass,
        turns: Self.turns(size), transfer: Self.transfer)
      let workspace = bank.makeWorkspace()
      workspace.image.replace(from: 0, with: image)
      let output = FloatBuffer(count: bank.responseCount)
      bank.run(in: workspace, into: output, at: 0)
      return output.floats(0..<bank.responseCount)
    }
    for row in rows { #expect(row == rows[0], "every class has the same bits") }
    let slow = SlowBank(size: size, image: image)
    for filter in 0..<2 {
      let expected = slow.means(border: border, blocks: blocks) { Self.transfer(filter, $0, $1) }
      let found = rows[0][filter * blocks * blocks..<(filter + 1) * blocks * blocks]
      for (a, b) in zip(found, expected) {
        #expect(abs(Double(a) - b) < 2e-6 * expected.max()!)
      }
    }
  }
}

private struct SlowBank {
  let size: Int
  /// The spectrum by frequencies along a column and a row.
  private let re, im: [Double]

  init(size: Int, image: [Float]) {
    self.size = size
    let plain = image.map(Double.init)
    (re, im) = Self.transform(
      size, plain, [Double](repeating: 0, count: plain.count), sign: -1)
  }

  /// Along rows, then along columns.
  private static func transform(
    _ n: Int, _ re: [Double], _ im: [Double], sign: Double
  ) -> ([Double], [Double]) {
    let turns = (0..<n).map { i in
      let angle = sign * 2 * Double.pi * Double(i) / Double(n)
      return (cos(angle), sin(angle))
    }
    var (re, im) = (re, im)
    for isAlongColumns in [false, true] {
      let (step, pitch) = isAlongColumns ? (n, 1) : (1, n)
      for line in 0..<n {
        let old = (0..<n).map { (re[line * pitch + $0 * step], im[line * pitch + $0 * step]) }
        for k in 0..<n {
          var (a, b) = (0.0, 0.0)
          for j in 0..<n {
            let (c, s) = turns[j * k % n]
            a += old[j].0 * c - old[j].1 * s
            b += old[j].0 * s + old[j].1 * c
          }
          re[line * pitch + k * step] = a
          im[line * pitch + k * step] = b
        }
      }
    }
    return (re, im)
  }

  func means(border: Int, blocks: Int, _ transfer: (Int, Int) -> Double) -> [Double] {
    let n = size
    let signed = { (i: Int) in i < n / 2 ? i : i - n }
    let gains = (0..<n * n).map { (i: Int) -> Double in
      transfer(signed(i / n), signed(i % n)) / Double(n * n)
    }
    let (a, b) = Self.transform(
      n, re.indices.map { re[$0] * gains[$0] }, im.indices.map { im[$0] * gains[$0] }, sign: 1)
    let side = (n - 2 * border) / blocks
    return (0..<blocks * blocks).map { block in
      let (left, top) = (border + block / blocks * side, border + block % blocks * side)
      var sum = 0.0
      for y in top..<top + side {
        for x in left..<left + side {
          sum += (a[y * n + x] * a[y * n + x] + b[y * n + x] * b[y * n + x]).squareRoot()
        }
      }
      return sum / Double(side * side)
    }
  }
}
