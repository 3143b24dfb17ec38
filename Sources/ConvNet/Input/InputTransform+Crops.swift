internal import Tensors

extension InputTransform {
  /// A crop that is not mirrored.
  struct PlacedCrop {
    /// In the resized image, before it is flipped.
    var region: FilteredResampler.Region
    /// Its top left pixel in the area, after it is flipped.
    var origin: (x: Int, y: Int)
  }

  /// The crops of an image that was resized to `width`×`height`: the centre; or the four corners and
  /// the centre, in the order of `Views.crops`.
  func crops(_ views: Views, width: Int, height: Int) -> [PlacedCrop] {
    let (areaWidth, areaHeight) = (area ?? width, area ?? height)
    // Of an image that keeps its size there is one crop: all of it.
    let (inputWidth, inputHeight) = hasFixedSize ? (inputWidth, inputHeight) : (width, height)
    let (left, top) = (margin(areaWidth, of: width), margin(areaHeight, of: height))
    let (right, bottom) = (areaWidth - inputWidth, areaHeight - inputHeight)
    let center = (margin(inputWidth, of: areaWidth), margin(inputHeight, of: areaHeight))
    let corners = [(0, 0), (right, 0), (0, bottom), (right, bottom)]
    return (views == .center ? [center] : corners + [center]).map { x, y in
      PlacedCrop(
        region: FilteredResampler.Region(
          x: left + x, y: top + (flip == .vertical ? bottom - y : y), width: inputWidth,
          height: inputHeight), origin: (x, y))
    }
  }
}
