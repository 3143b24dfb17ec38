/// How closely decoded pixels follow the file; part of a store's identity.
package enum DecodeMode: String, Codable, Sendable, CaseIterable {
  /// Full size, the accurate integer transform, smooth chroma upsampling.
  case exact
  /// As `exact`, but at 4/8, 2/8 or 1/8 of the size where both sides stay as large as what the image
  /// is resized to. Each pixel is then the mean of those it stands for, nearly.
  case fast

  /// The eighths of full size to decode at.
  ///
  /// - Parameters:
  ///   - width, height: of the part of the image that is used, at full size.
  ///   - newWidth, newHeight: what the part is resized to.
  func eighths(width: Int, height: Int, newWidth: Int, newHeight: Int) -> Int {
    guard self == .fast else { return 8 }
    return [1, 2, 4].first { width * $0 >= newWidth * 8 && height * $0 >= newHeight * 8 } ?? 8
  }
}
