package import Images
package import Tensors

/// What is done to an image's pixels before the network sees them; part of a store's identity.
///
/// The image is resized, crops of it are taken, its channels ordered and scaled, and a mean
/// subtracted. Read from the YAML files of `Configs/preprocess`. What may be left out there is nil here,
/// so that older identities stay as they are.
package struct InputTransform: Codable, Equatable, Sendable {
  package struct Resize: Codable, Equatable, Sendable {
    package enum Mode: String, Codable, Sendable, CaseIterable {
      /// Both sides to the given size; the aspect ratio is not kept.
      case warp
      /// The shorter side to the given size, the longer one so that the aspect ratio is kept.
      case shortSide = "short-side"
      /// The longer side to the given size where it is longer, the aspect ratio kept; for descriptors
      /// alone, as a network's input has one size.
      case within

      /// Those that a transform from a file can have.
      package static let allCases: [Mode] = [.warp, .shortSide]
    }

    package enum Filter: String, Codable, Sendable, CaseIterable {
      /// Half-pixel centres: between two pixels, or with `antialias` over all that are covered.
      case bilinear
    }

    package enum Rounding: String, Codable, Sendable, CaseIterable {
      /// To whole grey levels, as where images stay 8-bit; with `antialias` after each direction.
      case eightBit = "8-bit"
    }

    /// What lies beyond the image, half a pixel of which shows where it is made larger.
    package enum Edge: String, Codable, Sendable, CaseIterable {
      /// The outermost pixels go on; the default.
      case extended
      /// Black (scikit-image's mode “constant”).
      case black
      /// The image's smallest value (pycaffe, which spreads values over 0…1 first).
      case darkest
    }

    /// What the length of the longer side is rounded to.
    package enum LongSide: String, Codable, Sendable, CaseIterable {
      /// The default.
      case down
      case nearest
      /// MATLAB's `imresize`.
      case up
    }

    package var mode: Mode
    /// With `short-side` both are what the shorter side becomes.
    package var width: Int
    package var height: Int
    package var filter: Filter
    /// Pillow's `resize`: where pixels become fewer, each is the mean of those it covers.
    package var antialias: Bool?
    package var rounding: Rounding?
    package var edge: Edge?
    package var longSide: LongSide?

    /// What an image of `width`×`height` pixels is resized to.
    package func size(width: Int, height: Int) -> (width: Int, height: Int) {
      if mode == .warp { return (self.width, self.height) }
      let (short, long) = (min(width, height), max(width, height))
      if mode == .within {
        if long <= self.width { return (width, height) }
        // MATLAB's `imresize` rounds sizes up.
        let newShort = (self.width * short + long - 1) / long
        return width <= height ? (newShort, self.width) : (self.width, newShort)
      }
      let exact = Double(self.width * long) / Double(short)
      let newLong =
        switch longSide {
        case .nearest: Int(exact + 0.5)
        case .up: Int(exact.rounded(.up))
        case .down, nil: Int(exact)
        }
      return width <= height ? (self.width, newLong) : (newLong, self.width)
    }
  }

  /// Names a channel order; all of Caffe's networks take BGR.
  package enum Channels: String, Codable, Sendable, CaseIterable {
    case bgr, rgb
  }

  /// How half a pixel of margin around a centre is rounded.
  package enum Offset: String, Codable, Sendable, CaseIterable {
    /// The default.
    case down
    /// To the even neighbour (Python's `round`, torchvision's `CenterCrop`).
    case even
  }

  package enum Flip: String, Codable, Sendable, CaseIterable {
    /// Upside down.
    case vertical
  }

  package var name: String
  package var resize: Resize
  /// Both sides of the square in the centre of the resized image that crops are taken of; nil for all
  /// of it.
  package var area: Int?
  /// Rows of a crop, in pixels of the resized image, and columns, too, where `cropWidth` is nil.
  package var crop: Int
  package var cropWidth: Int?
  package var offset: Offset?
  /// Before the mean image is subtracted and crops are taken.
  package var flip: Flip?
  package var channels: Channels
  /// Pixel values are multiplied by this: 1 keeps 0…255.
  package var scale: Double
  /// Subtracted from each scaled channel, in the order of `channels`.
  package var mean: [Double]
  /// Subtracted as well, from each place of the area; its channels are in the order of `channels`.
  package var meanImage: MeanImageFile?
  /// What each channel is divided by at last; nil for 1.
  package var std: [Double]?
  /// What becomes of transparency; nil for `drop`.
  package var alpha: AlphaRule?

  /// Whether inputs of all images have one size.
  package var hasFixedSize: Bool { resize.mode != .within }

  /// Rows and columns of the network's input; the most of them, where images keep their size.
  package var inputHeight: Int { crop }
  package var inputWidth: Int { cropWidth ?? crop }

  /// Both sides of the network's input, where they are equal; else its rows.
  package var inputSize: Int { crop }

  /// The layout of a network's input; the largest, where images keep their size.
  package var inputLayout: MapLayout {
    MapLayout(channels: 3, height: inputHeight, width: inputWidth)
  }

  /// Whether `Resampler` does all that is asked for.
  var isPlain: Bool {
    resize.mode == .warp && resize.antialias != true && resize.rounding == nil
      && (resize.edge ?? .extended) == .extended && area == nil && inputWidth == inputHeight
      && (offset ?? .down) == .down && flip == nil && meanImage == nil && std == nil
  }

  /// The margin before the centre `part` of `whole` pixels.
  func margin(_ part: Int, of whole: Int) -> Int {
    let margin = whole - part
    return offset == .even
      ? Int((Double(margin) / 2).rounded(.toNearestOrEven)) : margin / 2
  }
}
