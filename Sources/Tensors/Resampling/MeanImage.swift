/// What is subtracted from each place of an image: three channels, in the order of the network's input.
package struct MeanImage: Equatable, Sendable {
  package let width: Int
  package let height: Int
  /// `3×height×width`.
  package let values: [Float]

  package init(width: Int, height: Int, values: [Float]) {
    precondition(values.count == 3 * width * height, "three channels")
    (self.width, self.height, self.values) = (width, height, values)
  }

  subscript(channel: Int, y: Int, x: Int) -> Float { values[(channel * height + y) * width + x] }
}
