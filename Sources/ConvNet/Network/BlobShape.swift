/// The size of one image's activations: channels × height × width; 1 × 1 after an inner product.
package struct BlobShape: Hashable, Sendable {
  package let channels: Int
  package let height: Int
  package let width: Int

  package init(_ channels: Int, _ height: Int = 1, _ width: Int = 1) {
    self.channels = channels
    self.height = height
    self.width = width
  }

  /// Values in one image's activations.
  package var count: Int { channels * height * width }

  /// `[C, H, W]`, or `[C]` where the activations have no plane.
  package var dimensions: [Int] {
    height == 1 && width == 1 ? [channels] : [channels, height, width]
  }

  /// As many channels; both sides become what `side` makes of them.
  func mapSides(_ side: (Int) -> Int) -> BlobShape {
    BlobShape(channels, side(height), side(width))
  }
}
