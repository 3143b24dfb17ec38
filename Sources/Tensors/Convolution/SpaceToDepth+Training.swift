/// Maps and weights as training keeps them: maps without a frame, weights outputs × places × channels.
extension SpaceToDepth {
  /// Folds a map; what of the result no pixel goes to stays as it was.
  package func fold(_ map: BufferPart, into folded: FeatureMap) {
    precondition(
      map.count == input.activationCount && folded.layout == output, "maps of another size")
    for y in 0..<input.height {
      let line = map.base + y * input.pitch
      let target = folded.origin + place(ofPixel: y, 0)
      let first = min(firstPartLength, input.pitch)
      target.update(from: line, count: first)
      // The first block begins with the padding, the others with their first pixel.
      var (x, block) = (first, target + firstPartLength + output.channels - partLength)
      while x < input.pitch {
        block.update(from: line + x, count: min(partLength, input.pitch - x))
        x += partLength
        block += output.channels
      }
    }
  }

  /// For every weight of an output its place among the folded output's.
  package var weightPlaces: [Int] {
    let (size, channels, step) = (shape.kernelSize.height, input.channels, stride)
    return (0..<size * size * channels).map { index in
      let (place, c) = index.quotientAndRemainder(dividingBy: channels)
      let (v, u) = place.quotientAndRemainder(dividingBy: size)
      let channel = (v % step * step + u % step) * channels + c
      return (v / step * kernelSize + u / step) * output.channels + channel
    }
  }
}
