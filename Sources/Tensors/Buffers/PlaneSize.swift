/// A height and a width: of a filter or window, of strides, of padding. One number means both.
package struct PlaneSize: Hashable, Sendable, ExpressibleByIntegerLiteral, CustomStringConvertible {
  package var height: Int
  package var width: Int

  package init(_ height: Int, _ width: Int) { (self.height, self.width) = (height, width) }

  package init(_ both: Int) { self.init(both, both) }

  package init(integerLiteral value: Int) { self.init(value) }

  package var area: Int { height * width }
  package var isSquare: Bool { height == width }

  /// `3`, or `3×5`.
  package var description: String { isSquare ? "\(height)" : "\(height)×\(width)" }
}
