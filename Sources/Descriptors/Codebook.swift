package import Files
internal import Formats
internal import Foundation
package import Tensors

/// The words that local descriptors are coded by, and what they were made from.
///
/// A safetensors file with the tensor `words`, K×128 float32. Of the metadata, `format` is
/// `decaf-codebook`; `origin` is JSON that says what made the words; `sha256` is the
/// `SafetensorsDigest` of all else.
package struct Codebook: Sendable {
  /// What made the words: equal origins give equal files.
  package struct Origin: Codable, Equatable, Sendable {
    /// The kind of local descriptors: `sift`.
    package var descriptor: String
    /// The input transform and how images are decoded.
    package var transform: JSONValue
    package var decode: String
    /// The image list: SHA-256 of its bytes, and how many entries it has.
    package var list: String
    package var rows: Int
    package var wordCount: Int
    /// Local descriptors asked for.
    package var sample: Int
    package var seed: UInt64
    /// Passes asked for.
    package var iterations: Int
    package var kernelClass: String
    package var arithmetic: Int

    package init(
      transform: JSONValue, decode: String, list: SHA256Digest, rows: Int, wordCount: Int,
      sample: Int, seed: UInt64, iterations: Int, kernelClass: KernelClass
    ) {
      descriptor = Codebook.descriptor
      (self.transform, self.decode) = (transform, decode)
      (self.list, self.rows) = (list.hexadecimal, rows)
      (self.wordCount, self.sample, self.seed) = (wordCount, sample, seed)
      (self.iterations, self.kernelClass) = (iterations, kernelClass.rawValue)
      arithmetic = Codebook.arithmeticVersion
    }
  }

  /// How the words came out.
  package struct Outcome: Codable, Equatable, Sendable {
    /// Local descriptors that there were, and images that gave none.
    package var descriptors: Int
    package var failedImages: Int
    /// Passes over the descriptors.
    package var passes: Int
    /// Mean squared distance of a descriptor from its word.
    package var meanSquare: Double

    package init(descriptors: Int, failedImages: Int, passes: Int, meanSquare: Double) {
      (self.descriptors, self.failedImages) = (descriptors, failedImages)
      (self.passes, self.meanSquare) = (passes, meanSquare)
    }
  }

  /// `count×128`.
  package let words: [Float]
  package let origin: Origin
  package let outcome: Outcome
  /// The file it was read from.
  package let inputs: [InputFile]

  package var count: Int { words.count / DenseSIFT.width }
  /// Of the words' numbers.
  package var sha256: SHA256Digest { SHA256Digest(of: NumberBytes.bytes(words)) }

  package static let format = "decaf-codebook"
  /// Version of the order and rounding of what is computed.
  package static let arithmeticVersion = 1
  private static let descriptor = "sift"
  private static let digestKey = "sha256"
  private static let tensor = "words"

  package init(words: [Float], origin: Origin, outcome: Outcome) {
    precondition(words.count % DenseSIFT.width == 0 && !words.isEmpty, "words of 128 numbers")
    (self.words, self.origin, self.outcome, inputs) = (words, origin, outcome, [])
  }

  /// Writes the file; it appears at `path` when it is complete.
  ///
  /// - Throws: `SystemError`.
  package func save(_ path: String) throws {
    try SafetensorsWriter.write(
      path,
      metadata: [
        "format": Self.format, "origin": try JSONValue(encoding: origin).compactText,
        "outcome": try JSONValue(encoding: outcome).compactText,
      ], digestKey: Self.digestKey,
      tensors: [.init(Self.tensor, [count, DenseSIFT.width], words)])
  }

  /// Reads the file.
  ///
  /// - Throws: `SafetensorsError`, `SystemError`; `DescriptorError.invalidCodebook`.
  package static func load(_ path: String) throws -> Codebook {
    func invalid(_ reason: String) -> DescriptorError {
      .invalidCodebook(path: path, reason: reason)
    }
    let input = try InputFile(path)
    let file = try SafetensorsFile(path)
    guard file.metadata["format"] == format else {
      throw invalid("its format is \(file.metadata["format"] ?? "not given")")
    }
    guard file.metadata[digestKey] == file.contentDigest(without: digestKey).hexadecimal else {
      throw invalid("its contents do not have its digest: it is damaged")
    }
    func decoded<T: Decodable>(_ key: String, _ type: T.Type) throws -> T {
      guard let text = file.metadata[key],
        let value = try? JSONValue(parsing: Array(text.utf8)).decoded(type)
      else { throw invalid("its metadata lacks \(key)") }
      return value
    }
    let origin = try decoded("origin", Origin.self)
    guard origin.descriptor == descriptor, let shape = file.tensor(named: tensor)?.shape,
      shape.count == 2, shape[0] >= LLC.neighbors, shape[1] == DenseSIFT.width
    else {
      throw invalid("expected \(tensor) of \(LLC.neighbors) or more × \(DenseSIFT.width) numbers")
    }
    let words = try file.floats(tensor)
    guard words.allSatisfy(\.isFinite) else { throw invalid("it holds NaN or infinity") }
    return Codebook(
      words, origin, try decoded("outcome", Outcome.self), [input])
  }

  private init(_ words: [Float], _ origin: Origin, _ outcome: Outcome, _ inputs: [InputFile]) {
    (self.words, self.origin, self.outcome, self.inputs) = (words, origin, outcome, inputs)
  }
}
