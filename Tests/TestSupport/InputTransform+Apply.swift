package import ConvNet
package import Images
internal import Tensors

extension InputTransform {
  /// The twin of `InputWriter`, to the bit: the network's input for each view of `image`.
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
