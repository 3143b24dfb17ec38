extension PixelBuffer {
  /// Takes another picture at full size, whose pixels `body` writes as they are stored: all of them,
  /// or it throws; turns it upright.
  func replace<R>(
    width: Int, height: Int, _ orientation: EXIFOrientation,
    _ body: (UnsafeMutablePointer<UInt8>) throws(ImageError) -> R
  ) throws(ImageError) -> R {
    let isTransposed = orientation.isTransposed
    return try replace(
      fullWidth: isTransposed ? height : width, fullHeight: isTransposed ? width : height,
      eighths: 8
    ) { pixels throws(ImageError) in
      if orientation.rawValue == 1 { return try body(pixels) }
      let count = width * height * 3
      let stored = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
      defer { stored.deallocate() }
      let result = try body(stored)
      turn(stored, width: width, height: height, orientation, into: pixels)
      return result
    }
  }

  /// Copies a picture so that the stored row 0 and column 0 come to the sides that EXIF names.
  private func turn(
    _ stored: UnsafePointer<UInt8>, width: Int, height: Int, _ orientation: EXIFOrientation,
    into upright: UnsafeMutablePointer<UInt8>
  ) {
    let row = 3 * (orientation.isTransposed ? height : width)
    var (right, down) = orientation.isTransposed ? (row, 3) : (3, row)
    var origin = 0
    if [2, 3, 7, 8].contains(orientation.rawValue) {
      origin += (width - 1) * right
      right = -right
    }
    if [3, 4, 6, 7].contains(orientation.rawValue) {
      origin += (height - 1) * down
      down = -down
    }
    for y in 0..<height {
      for x in 0..<width {
        (upright + origin + y * down + x * right).update(
          from: stored + (y * width + x) * 3, count: 3)
      }
    }
  }
}
