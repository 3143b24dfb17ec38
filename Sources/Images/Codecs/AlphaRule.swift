/// What becomes of an image's transparency; part of a store's identity.
package enum AlphaRule: String, Codable, Sendable, CaseIterable {
  /// Pixels keep their colours, whatever shows of them, as in Pillow's `convert("RGB")`.
  case drop
  /// Pixels are laid on white.
  case white
}
