/// The slow twin of `RGBImage.resampled`: one value from its definition, in double precision.
///
/// - Parameter pixels: `height×width×3`, row-major.
/// - Returns: channel `channel` at (`x`, `y`) of the image warped to `newWidth`×`newHeight`.
package func slowResampled(
  _ pixels: [UInt8], width: Int, height: Int, newWidth: Int, newHeight: Int, x: Int, y: Int,
  channel: Int
) -> Double {
  func position(_ i: Int, _ oldCount: Int, _ newCount: Int) -> Double {
    let position = (Double(i) + 0.5) * Double(oldCount) / Double(newCount) - 0.5
    return min(max(position, 0), Double(oldCount - 1))
  }
  let (oldX, oldY) = (position(x, width, newWidth), position(y, height, newHeight))
  // Every old pixel within one pixel counts, the less the farther it is.
  var sum = 0.0
  for row in 0..<height where abs(Double(row) - oldY) < 1 {
    for column in 0..<width where abs(Double(column) - oldX) < 1 {
      let weight = (1 - abs(Double(row) - oldY)) * (1 - abs(Double(column) - oldX))
      sum += weight * Double(pixels[(row * width + column) * 3 + channel])
    }
  }
  return sum
}
