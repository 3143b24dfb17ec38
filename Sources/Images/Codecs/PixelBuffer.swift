package import Tensors

/// One decoded image after another, in memory that is used again: 8-bit RGB, upright.
///
/// For one thread. Grows to the largest image and stays so.
package final class PixelBuffer {
  /// Of the upright picture at full size.
  package private(set) var fullWidth = 0
  package private(set) var fullHeight = 0
  /// The pixels here are of the picture at so many eighths of its size, each side rounded up.
  package private(set) var eighths = 8
  /// `height×width×3`, row-major from the top left, and what larger images left behind them.
  private var bytes: [UInt8] = []

  package init() {}

  package var width: Int { scaled(fullWidth) }
  package var height: Int { scaled(fullHeight) }

  private func scaled(_ side: Int) -> Int { (side * eighths + 7) / 8 }

  /// Calls `body` with the pixels: `height×width×3`, row-major from the top left, RGB.
  package func withPixels<R>(_ body: (Span<UInt8>) -> R) -> R {
    bytes.withUnsafeBufferPointer { body($0.span.extracting(0..<width * height * 3)) }
  }

  /// Takes another picture, whose pixels `body` writes: all of them, or it throws.
  func replace<R>(
    fullWidth: Int, fullHeight: Int, eighths: Int,
    _ body: (UnsafeMutablePointer<UInt8>) throws(ImageError) -> R
  ) throws(ImageError) -> R {
    (self.fullWidth, self.fullHeight, self.eighths) = (fullWidth, fullHeight, eighths)
    let count = width * height * 3
    if bytes.count < count { bytes = [UInt8](repeating: 0, count: count) }
    let result = bytes.withUnsafeMutableBufferPointer { buffer in
      Result { () throws(ImageError) in try body(buffer.baseAddress!) }
    }
    return try result.get()
  }

  /// Where the part of the picture inside `box` lies along both axes; all of it for nil.
  ///
  /// - Throws: `ImageError.emptyBox` when no pixel of the picture lies in the box.
  package func part(
    _ box: Box?
  ) throws(ImageError) -> (columns: AxisPart, rows: AxisPart) {
    let all = Box(x: 0, y: 0, width: fullWidth, height: fullHeight)
    let part = (box ?? all).clipped(width: fullWidth, height: fullHeight)
    guard !part.isEmpty else {
      throw .emptyBox(box ?? all, imageWidth: fullWidth, imageHeight: fullHeight)
    }
    return (axis(part.x, part.width), axis(part.y, part.height))
  }

  /// The picture's pixels `start..<start + length`, full size, as they lie here.
  private func axis(_ start: Int, _ length: Int) -> AxisPart {
    let first = start * eighths / 8
    return AxisPart(
      pixels: first..<scaled(start + length),
      start: Double(start * eighths) / 8 - Double(first), length: Double(length * eighths) / 8)
  }
}
