package import Images

/// What is done to an image's pixels before the network sees them; part of a store's identity.
///
/// The image is resized, crops of it are taken, its channels ordered and scaled, and a mean
/// subtracted. Read from the YAML files of `Configs/preprocess`, whose keys are the names here.
package struct InputTransform: Codable, Equatable, Sendable {
  package struct Resize: Codable, Equatable, Sendable {
    package enum Mode: String, Codable, Sendable, CaseIterable {
      /// Both sides to the given size; the aspect ratio is not kept.
      case warp
    }

    package enum Filter: String, Codable, Sendable, CaseIterable {
      /// Half-pixel centres, no anti-aliasing, float, not rounded: `RGBImage.resampled`.
      case bilinear
    }

    package var mode: Mode
    package var width: Int
    package var height: Int
    package var filter: Filter
  }

  /// Names a channel order; all of Caffe's networks take BGR.
  package enum Channels: String, Codable, Sendable, CaseIterable {
    case bgr, rgb
  }

  package var name: String
  package var resize: Resize
  /// Both sides of a crop, in pixels of the resized image.
  package var crop: Int
  package var channels: Channels
  /// Pixel values are multiplied by this: 1 keeps 0…255.
  package var scale: Double
  /// Subtracted from each scaled channel, in the order of `channels`.
  package var mean: [Double]

  /// Both sides of the network's input.
  package var inputSize: Int { crop }

  /// The network's input for each view of `image`.
  ///
  /// - Returns: `views.count×3×crop×crop`: view, channel, row, column; mean-subtracted pixel values.
  ///   Within 1e-3 grey level of the exact result.
  package func apply(_ image: RGBImage, views: Views) -> [Float] {
    let crops = views.crops(side: crop, width: resize.width, height: resize.height)
    let left = crops.map(\.x).min()!
    let top = crops.map(\.y).min()!
    let region = Box(
      x: left, y: top, width: crops.map(\.x).max()! + crop - left,
      height: crops.map(\.y).max()! + crop - top)
    let pixels = image.resampled(width: resize.width, height: resize.height, region: region)

    var result = [Float](repeating: 0, count: crops.count * 3 * crop * crop)
    var output = 0
    for view in crops {
      for channel in 0..<3 {
        let mean = Float(mean[channel])
        let scale = Float(scale)
        let step = view.isMirrored ? -3 : 3
        let first = (view.isMirrored ? view.x - left + crop - 1 : view.x - left) * 3
        for y in 0..<crop {
          var input =
            (view.y - top + y) * region.width * 3 + first
            + (channels == .bgr ? 2 - channel : channel)
          for _ in 0..<crop {
            result[output] = pixels[input] * scale - mean
            output += 1
            input += step
          }
        }
      }
    }
    return result
  }
}
