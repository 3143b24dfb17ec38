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
      /// Half-pixel centres, no anti-aliasing, float, not rounded: `Resampler`.
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
  /// What becomes of transparency; nil for `drop`.
  package var alpha: AlphaRule?

  /// Both sides of the network's input.
  package var inputSize: Int { crop }
}
