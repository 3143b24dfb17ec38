/// A rectangle of an upright image in whole pixels; (0, 0) is the top left pixel.
///
/// May reach beyond the image; cropping clips it.
package struct Box: Hashable, Codable, Sendable, CustomStringConvertible {
  package var x: Int
  package var y: Int
  package var width: Int
  package var height: Int

  package init(x: Int, y: Int, width: Int, height: Int) {
    (self.x, self.y, self.width, self.height) = (x, y, width, height)
  }

  package var isEmpty: Bool { width <= 0 || height <= 0 }

  /// The part of the box inside an image of `width`×`height` pixels; empty when there is none.
  package func clipped(width: Int, height: Int) -> Box {
    let left = min(max(x, 0), width)
    let top = min(max(y, 0), height)
    // Saturating, so that a box from a file cannot overflow.
    let right = min(max(Self.sum(x, self.width), left), width)
    let bottom = min(max(Self.sum(y, self.height), top), height)
    return Box(x: left, y: top, width: right - left, height: bottom - top)
  }

  private static func sum(_ a: Int, _ b: Int) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? (b < 0 ? .min : .max) : sum
  }

  package var description: String { "\(width)×\(height) at (\(x), \(y))" }
}
