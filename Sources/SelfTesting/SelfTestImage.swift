internal import Presets

/// An image file that the program brings along.
struct SelfTestImage: Sendable {
  let name: String
  let bytes: [UInt8]

  /// `jpeg`, `png` or `webp`.
  var format: String {
    name.hasSuffix("jpg") ? "jpeg" : String(name.drop { $0 != "." }.dropFirst())
  }

  static var all: [SelfTestImage] {
    Presets.selfTestImages.sorted { $0.key < $1.key }.map {
      SelfTestImage(name: $0.key, bytes: $0.value)
    }
  }
}
