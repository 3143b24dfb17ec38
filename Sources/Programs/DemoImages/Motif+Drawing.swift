import Foundation
import Images

extension Motif {
  /// The JPEG file of one member of the class: the same bytes for the same arguments.
  func file(seed: UInt64, index: Int) throws -> [UInt8] {
    let number = UInt64(Self.allCases.firstIndex(of: self)!)
    var random = SeededRandom(seed, number, UInt64(index))
    let image = picture(&random)
    let options = JPEGEncoder.Options(
      quality: random.integer(70...95), isGray: random.chance(0.1),
      isProgressive: random.chance(0.2), isSubsampled: random.chance(0.7))
    return try JPEGEncoder.encode(image, options)
  }

  /// The pattern between two colours, under uneven light, with a camera's noise; of any shape.
  func picture(_ random: inout SeededRandom) -> RGBImage {
    let width = random.integer(120...360)
    let height = random.integer(max(120, width * 2 / 3)...min(360, width * 3 / 2))
    let shorter = Double(min(width, height))
    let pattern = pattern(pixel: 1 / shorter, &random)
    let (foreground, background) = Self.colors(&random)
    let light = SIMD2(random.number(-0.25...0.25), random.number(-0.25...0.25))
    let noise = random.number(2...14)

    var pixels: [UInt8] = []
    pixels.reserveCapacity(width * height * 3)
    for y in 0..<height {
      for x in 0..<width {
        let point =
          (SIMD2(Double(x), Double(y)) + 0.5 - SIMD2(Double(width), Double(height)) / 2) / shorter
        let share = pattern(point)
        let brightness = 1 + light.x * point.x + light.y * point.y
        let color = (foreground * share + background * (1 - share)) * brightness
        for channel in 0..<3 {
          // The sum of two even distributions is enough of a bell.
          let error = noise * (random.number(-1...1) + random.number(-1...1))
          pixels.append(UInt8(min(max((color[channel] + error).rounded(), 0), 255)))
        }
      }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }

  /// Two colours of clearly different brightness, 0…255 RGB.
  private static func colors(
    _ random: inout SeededRandom
  ) -> (foreground: SIMD3<Double>, background: SIMD3<Double>) {
    func brightness(_ color: SIMD3<Double>) -> Double {
      (color * SIMD3(0.299, 0.587, 0.114)).sum()
    }
    func color() -> SIMD3<Double> {
      SIMD3(random.number(10...245), random.number(10...245), random.number(10...245))
    }
    while true {
      let (foreground, background) = (color(), color())
      if abs(brightness(foreground) - brightness(background)) > 60 {
        return (foreground, background)
      }
    }
  }
}
