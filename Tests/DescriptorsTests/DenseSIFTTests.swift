import Foundation
import Tensors
import Testing

@testable import Descriptors

/// Beside explicit loops in double precision, patch by patch.
@Suite struct DenseSIFTTests {
  @Test(arguments: [(16, 16), (23, 37), (61, 40), (5, 9), (100, 3), (1, 1)])
  func descriptorsAreThoseOfTheDefinition(width: Int, height: Int) {
    let map = DrawnImage.map(width: width, height: height)
    let found = DenseSIFT().run(map)
    let slow = SlowSIFT(map)
    #expect(found.columns == slow.columns && found.rows == slow.rows)
    var largest = 0.0
    for (j, y) in found.rows.enumerated() {
      for (i, x) in found.columns.enumerated() {
        let start = (j * found.columns.count + i) * DenseSIFT.width
        for (value, expected) in zip(found.values[start..<start + 128], slow.descriptor(x, y)) {
          largest = max(largest, abs(Double(value) - expected))
        }
      }
    }
    // Of values up to 1, in single precision.
    #expect(largest < 2e-6, "\(width)×\(height)")
  }

  @Test func flatPatchesStayShort() {
    let flat = DenseSIFT().run(
      DrawnImage.map(width: 40, height: 40, [Float](repeating: 77, count: 4800)))
    #expect(flat.values.allSatisfy { $0 == 0 })
    // A quarter of a gray level from column to column: of 1/1020, 16 bins get 12 each, about 0.05 in
    // length, an eighth of what is stretched.
    let slope = (0..<4800).map { (i: Int) -> Float in Float(i / 3 % 40) / 4 }
    let found = DenseSIFT().run(DrawnImage.map(width: 40, height: 40, slope))
    let square = found.values[..<128].reduce(0) { $0 + $1 * $1 }
    #expect(square > 0 && square < 0.05)
  }

  @Test func theGridIsInTheMiddle() {
    #expect(DenseSIFT.places(16) == [0])
    #expect(DenseSIFT.places(21) == [2])
    #expect(DenseSIFT.places(300) == (0..<48).map { 1 + 6 * $0 })
  }
}

/// SIFT by its definition.
private struct SlowSIFT {
  let width: Int
  let height: Int
  var gray: [Double]
  var columns: [Int] { places(width) }
  var rows: [Int] { places(height) }

  init(_ map: FeatureMap) {
    let layout = map.layout
    let values = DrawnImage.values(map)
    let (width, height) = (max(layout.width, 16), max(layout.height, 16))
    (self.width, self.height) = (width, height)
    let plain = (0..<width * height).map { i in
      let (x, y) = (min(i % width, layout.width - 1), min(i / width, layout.height - 1))
      let pixel = values[(y * layout.width + x) * 3..<(y * layout.width + x) * 3 + 3].map(
        Double.init)
      return (0.2989 * pixel[0] + 0.5870 * pixel[1] + 0.1140 * pixel[2]) / 255
    }
    let weights = (-2...2).map { exp(-Double($0 * $0) / (2 * 0.64)) }
    let sum = weights.reduce(0, +)
    gray = plain
    for y in 0..<height {
      for x in 0..<width {
        var value = 0.0
        for dy in -2...2 {
          for dx in -2...2 {
            let (a, b) = (min(max(x + dx, 0), width - 1), min(max(y + dy, 0), height - 1))
            value += weights[dx + 2] * weights[dy + 2] * plain[b * width + a] / (sum * sum)
          }
        }
        gray[y * width + x] = value
      }
    }
  }

  private func places(_ length: Int) -> [Int] {
    let first = (length - 16) % 6 / 2
    return Array(stride(from: first, to: length - 15, by: 6))
  }

  private func gradient(_ x: Int, _ y: Int) -> (length: Double, angle: Double) {
    func slope(_ at: (Int) -> Double, _ i: Int, _ count: Int) -> Double {
      if i == 0 { return at(1) - at(0) }
      if i == count - 1 { return at(i) - at(i - 1) }
      return (at(i + 1) - at(i - 1)) / 2
    }
    let dx = slope({ gray[y * width + $0] }, x, width)
    let dy = slope({ gray[$0 * width + x] }, y, height)
    let angle = atan2(dy, dx)
    return ((dx * dx + dy * dy).squareRoot(), angle < 0 ? angle + 2 * .pi : angle)
  }

  func descriptor(_ left: Int, _ top: Int) -> [Double] {
    var values = [Double](repeating: 0, count: 128)
    for dy in -1...17 {
      for dx in -1...17 {
        let (x, y) = (min(max(left + dx, 0), width - 1), min(max(top + dy, 0), height - 1))
        let (length, angle) = gradient(x, y)
        // From the patch's centre, 8 pixels from its first.
        let window = exp(-Double((dx - 8) * (dx - 8) + (dy - 8) * (dy - 8)) / (2 * 64))
        for bin in 0..<16 {
          let across = 1 - abs(Double(dx - 2 - 4 * (bin % 4))) / 4
          let along = 1 - abs(Double(dy - 2 - 4 * (bin / 4))) / 4
          if across <= 0 || along <= 0 { continue }
          for orientation in 0..<8 {
            var turn = abs(angle * 4 / .pi - Double(orientation))
            turn = min(turn, 8 - turn)
            values[8 * bin + orientation] += max(0, 1 - turn) * length * across * along * window
          }
        }
      }
    }
    let length = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    values = values.map { min($0 / max(length, 0.4), 0.2) }
    if length < 0.4 { return values }
    let again = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return values.map { $0 / again }
  }
}
