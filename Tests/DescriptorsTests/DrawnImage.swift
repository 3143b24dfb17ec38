import Tensors
import TestSupport

/// Test images as descriptors take them.
enum DrawnImage {
  /// Waves and blots, red, green and blue different, of 0…255.
  static func map(width: Int, height: Int, seed: UInt64 = 1) -> FeatureMap {
    let noise = seededPixels(width: width, height: height, seed: seed)
    var values: [Float] = []
    for y in 0..<height {
      for x in 0..<width {
        let wave = (x * x / 7 + 3 * y) % 97 + (x / 9 + y / 13) % 2 * 60
        for channel in 0..<3 {
          let blot = Int(noise[(y * width + x) * 3 + channel]) / 5
          values.append(Float((wave + channel * 11 + blot) % 256))
        }
      }
    }
    return map(width: width, height: height, values)
  }

  /// - Parameter values: `height×width×3`.
  static func map(width: Int, height: Int, _ values: [Float]) -> FeatureMap {
    let map = FeatureMap(MapLayout(channels: 3, height: height, width: width))
    map.buffer.replace(from: 0, with: values)
    return map
  }

  /// The pixels' values.
  static func values(_ map: FeatureMap) -> [Float] { map.buffer.floats(0..<map.layout.count) }
}
