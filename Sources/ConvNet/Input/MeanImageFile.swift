package import Files
internal import Formats
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

  /// Reads a NumPy array of 3 × height × width numbers.
  ///
  /// - Throws: what is wrong, in words.
  package init(contentsOf path: String) throws(ProblemError) {
    let numbers: NumberArray
    do {
      let variable = try NPYArray.variable(
        ByteSource(try MappedFile(path)), name: "mean", path: path)
      guard let found = variable.numbers else {
        throw ProblemError("\(path): found \(variable.description), expected numbers")
      }
      numbers = found
    } catch let error as ProblemError { throw error } catch { throw ProblemError("\(error)") }
    guard numbers.shape.count == 3, numbers.shape[0] == 3, numbers.count > 0 else {
      throw ProblemError(
        "\(path): found \(numbers.shapeText) numbers, expected 3×height×width; a .binaryproto becomes "
          + "one by caffe.io.blobproto_to_array(blob)[0]")
    }
    var values: [Float] = []
    numbers.append(0..<3, to: &values)
    guard values.allSatisfy(\.isFinite) else {
      throw ProblemError("\(path): some of its numbers are not finite")
    }
    self.init(MeanImage(width: numbers.shape[2], height: numbers.shape[1], values: values))
  }
}
