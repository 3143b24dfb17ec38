extension StoredFloats {
  /// The numbers as `rows` rows whose width is a multiple of `step`, of which a pointer can be had
  /// without a copy: themselves where they are so, else copied, rows filled up with zeros.
  func filled(rows: Int, toMultipleOf step: Int) -> StoredFloats {
    precondition(rows > 0 && count % rows == 0, "rows of different widths")
    let width = count / rows
    let filledWidth = (width + step - 1) / step * step
    if filledWidth == width { return isInPlace ? self : StoredFloats(floats()) }
    var filled = [Float](repeating: 0, count: rows * filledWidth)
    for row in 0..<rows {
      let start = row * filledWidth
      filled.replaceSubrange(start..<start + width, with: floats(row * width..<(row + 1) * width))
    }
    return StoredFloats(filled)
  }
}
