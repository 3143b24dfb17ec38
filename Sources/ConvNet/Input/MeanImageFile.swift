internal import Files
package import Tensors

/// A mean image and the hash of its numbers, which alone is part of a store's identity.
package struct MeanImageFile: Codable, Equatable, Sendable {
  package let sha256: String
  package let width: Int
  package let height: Int
  /// Nil where the transform was read from an identity, which does not hold the numbers.
  package let image: MeanImage?

  private enum CodingKeys: String, CodingKey {
    case sha256, width, height
  }

  package init(_ image: MeanImage) {
    var hasher = SHA256Digest.Hasher()
    let bytes = image.values.flatMap { value in
      withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }
    bytes.withUnsafeBytes { hasher.update($0) }
    sha256 = hasher.finalize().hexadecimal
    (width, height) = (image.width, image.height)
    self.image = image
  }

  package init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    sha256 = try values.decode(String.self, forKey: .sha256)
    width = try values.decode(Int.self, forKey: .width)
    height = try values.decode(Int.self, forKey: .height)
    image = nil
  }
}
