import Foundation
import Tensors
import Testing

@testable import Descriptors

@Suite struct GISTTests {
  private static func row(_ map: FeatureMap, _ kernelClass: KernelClass = .baseline) -> [Float] {
    let gist = GIST()
    let output = FloatBuffer(count: gist.width + 3)
    gist.makeWorkers(1, kernelClass: kernelClass)[0].run(map, into: output, at: 3)
    return output.floats(3..<3 + gist.width)
  }

  @Test func slowWavesAreThoseOfACircularConvolution() {
    let (size, cutoff) = (38, 2.7)
    let image = (0..<size * size).map { (i: Int) -> Float in Float(i * i % 251) }
    // The kernel along an axis, from its gains at all frequencies.
    let kernel = (0..<size).map { (distance: Int) -> Double in
      var sum = 0.0
      for f in -size / 2..<size / 2 {
        let angle = 2 * Double.pi * Double(f * distance) / Double(size)
        sum += exp(-Double(f * f) / (cutoff * cutoff)) * cos(angle) / Double(size)
      }
      return sum
    }
    var output = [Float](repeating: 0, count: size * size)
    LowPass(size: size, cutoff: cutoff, kernelClass: .baseline).run(image, into: &output)
    for y in stride(from: 0, to: size, by: 5) {
      for x in 0..<size {
        var expected = 0.0
        for b in 0..<size {
          for a in 0..<size {
            let gain = kernel[(y - b + size) % size] * kernel[(x - a + size) % size]
            expected += gain * Double(image[b * size + a])
          }
        }
        // Of values up to 251.
        #expect(abs(Double(output[y * size + x]) - expected) < 2e-4)
      }
    }
  }

  @Test func brightnessAndContrastDoNotShow() {
    let map = DrawnImage.map(width: 256, height: 256)
    let values = DrawnImage.values(map)
    let plain = Self.row(map)
    let darker = Self.row(DrawnImage.map(width: 256, height: 256, values.map { 20 + $0 / 2 }))
    let largest = plain.max()!
    for (a, b) in zip(plain, darker) { #expect(abs(a - b) < 1e-4 * largest) }
    #expect(plain.allSatisfy { $0 > 0 && $0.isFinite })
  }

  @Test func anImageOfOneColorHasNoDetails() {
    let flat = Self.row(
      DrawnImage.map(width: 256, height: 256, [Float](repeating: 90, count: 256 * 256 * 3)))
    #expect(flat.allSatisfy { $0 == 0 })
  }

  /// Upright stripes are waves along a row: the filters of no rotation see them most.
  @Test func orientationsAreTheStripesOwn() {
    let stripes = (0..<256 * 256 * 3).map { (i: Int) -> Float in
      let column = i / 3 % 256
      return column / 4 % 2 == 0 ? 0 : 200
    }
    let row = Self.row(DrawnImage.map(width: 256, height: 256, stripes))
    let byOrientation = (0..<8).map { (orientation: Int) -> Float in
      var sum: Float = 0
      for scale in 0..<4 {
        let first = (scale * 8 + orientation) * 16
        sum += row[first..<first + 16].reduce(0, +)
      }
      return sum
    }
    #expect(byOrientation.max() == byOrientation[0])
    #expect(byOrientation[4] < byOrientation[0] / 4)
  }

  @Test func classesWithFusedProductsAgree() {
    let map = DrawnImage.map(width: 256, height: 256)
    let rows = KernelClass.supported.filter { $0 != .baseline }.map { Self.row(map, $0) }
    for row in rows.dropFirst() { #expect(row == rows[0]) }
  }
}
