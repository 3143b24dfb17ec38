internal import CKernels

/// Where an image's pixels go: a map of its shape, or one folded for a convolution with a stride.
package struct ImagePlace: Sendable {
  package let map: FeatureMap
  private let folding: SpaceToDepth?

  package init(_ map: FeatureMap) { (self.map, folding) = (map, nil) }

  /// - Precondition: `map` has the layout that the folding makes, and no frame.
  package init(_ map: FeatureMap, folding: SpaceToDepth?) {
    precondition(folding == nil || folding?.output == map.layout, "a map of another layout")
    (self.map, self.folding) = (map, folding)
  }

  /// The image's own layout.
  package var layout: MapLayout { folding?.input ?? map.layout }

  /// The place of a line's pixels, one after the other; nil where they do not lie so.
  func line(_ y: Int) -> UnsafeMutablePointer<Float>? {
    precondition(y >= 0 && y < layout.height, "no such line")
    return folding == nil ? map.origin + y * layout.pitch : nil
  }

  /// Takes a line's pixels from where they lie one after the other.
  func setLine(_ y: Int, _ pixels: UnsafePointer<Float>) {
    precondition(y >= 0 && y < layout.height, "no such line")
    let count = layout.width * layout.channels
    if let folding {
      let start = map.origin + folding.place(ofPixel: y, 0)
      let first = min(folding.firstPartLength, count)
      if first == folding.partLength {
        decaf_spread_line(pixels, count, first, start, map.layout.channels)
      } else {
        // The line begins in the middle of a block, after the padding.
        start.update(from: pixels, count: first)
        let next = map.origin + folding.place(ofPixel: y, first / layout.channels)
        decaf_spread_line(
          pixels + first, count - first, folding.partLength, next, map.layout.channels)
      }
    } else {
      (map.origin + y * layout.pitch).update(from: pixels, count: count)
    }
  }

  /// Takes the pixels from `values`, C×H×W.
  package func setChannelsFirst(_ values: Span<Float>) {
    guard let folding else { return map.setChannelsFirst(values) }
    precondition(values.count == layout.activationCount, "pixels of another shape")
    forEachPixel(of: folding) { number, place in map.origin[place] = values[number] }
  }

  /// Writes the pixels C×H×W into `values` from `start` on.
  package func copyChannelsFirst(to values: FloatBuffer, at start: Int) {
    guard let folding else { return map.copyChannelsFirst(to: values, at: start) }
    precondition(
      start >= 0 && layout.activationCount <= values.count - start, "no room for the pixels")
    forEachPixel(of: folding) { number, place in
      values.base[start + number] = map.origin[place]
    }
  }

  /// Calls `body` for every channel of every pixel: its number in C×H×W, its place from the map's
  /// origin.
  private func forEachPixel(of folding: SpaceToDepth, _ body: (_ number: Int, _ place: Int) -> Void)
  {
    var number = 0
    for c in 0..<layout.channels {
      for y in 0..<layout.height {
        for x in 0..<layout.width {
          body(number, folding.place(ofPixel: y, x) + c)
          number += 1
        }
      }
    }
  }
}
