internal import Tensors

/// Which part of an image the network sees in training, drawn anew every time.
package struct Augmentation: Hashable, Sendable, Codable {
  /// A crop anywhere in the resized image; else the centre.
  package var crops: Bool
  /// Half of the images are mirrored left to right.
  package var mirrors: Bool

  package init(crops: Bool = true, mirrors: Bool = true) {
    (self.crops, self.mirrors) = (crops, mirrors)
  }

  package static let none = Augmentation(crops: false, mirrors: false)

  /// The streams that a row's draws come from in an epoch: neither order nor ranks know them.
  static func stream(epoch: Int, row: Int) -> UInt64 { UInt64(epoch) << 40 | UInt64(row) }

  /// Where a crop begins, and whether it is mirrored.
  struct Draw: Equatable {
    var x: Int
    var y: Int
    var isMirrored: Bool
  }

  /// What is drawn for an image.
  ///
  /// - Parameter margin: how far a crop may begin from the top and the left.
  func draw(_ seed: UInt64, stream: UInt64, margin: PlaneSize) -> Draw {
    var generator = SeededGenerator(seed: seed ^ 0x5DEE_CE66_D1CE_4E5B, stream: stream)
    let (y, x, side) = (generator.uniform(), generator.uniform(), generator.uniform())
    return Draw(
      x: crops ? Int(x * Double(margin.width + 1)) : margin.width / 2,
      y: crops ? Int(y * Double(margin.height + 1)) : margin.height / 2,
      isMirrored: mirrors && side < 0.5)
  }
}
