/// What becomes of images before hand-made descriptors see them.
extension InputTransform {
  /// Oliva and Torralba's `imresizecrop`: the shorter side to 256 pixels, the centre square.
  package static let gist = InputTransform(
    name: "gist",
    resize: Resize(
      mode: .shortSide, width: 256, height: 256, filter: .bilinear, antialias: true,
      longSide: .nearest),
    crop: 256, channels: .rgb, scale: 1, mean: [0, 0, 0])

  /// Wang et al.'s: the longer side to at most 300 pixels; they interpolate by cubic polynomials.
  package static let llc = InputTransform(
    name: "llc",
    resize: Resize(mode: .within, width: 300, height: 300, filter: .bilinear, antialias: true),
    crop: 300, channels: .rgb, scale: 1, mean: [0, 0, 0])
}
