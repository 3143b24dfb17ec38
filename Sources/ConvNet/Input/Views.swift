package import Tensors

/// Which parts of an image the network sees.
package enum Views: String, Codable, Sendable, CaseIterable {
  /// The centre crop.
  case center
  /// The four corners and the centre and their left-right mirrors (Krizhevsky et al. 2012, section
  /// 4.1); a row is the mean of their activations.
  case ten
  /// The same ten, kept apart.
  case tenAll = "ten-all"

  /// Crops per image.
  package var count: Int { self == .center ? 1 : 10 }

  /// The crops of `side`×`side` pixels in order: the centre; or top left, top right, bottom left,
  /// bottom right, centre, then the mirrors of these five. An odd pixel of margin is at the end.
  package func crops(side: Int, width: Int, height: Int) -> [Resampler.Crop] {
    typealias Crop = Resampler.Crop
    let (right, bottom) = (width - side, height - side)
    let center = Crop(x: right / 2, y: bottom / 2)
    if self == .center { return [center] }
    let five = [
      Crop(x: 0, y: 0), Crop(x: right, y: 0), Crop(x: 0, y: bottom), Crop(x: right, y: bottom),
      center,
    ]
    return five + five.map { Crop(x: $0.x, y: $0.y, isMirrored: true) }
  }
}
