internal import Descriptors
package import Files
package import Images

/// What a user asks of a codebook.
package struct CodebookRequest: Sendable {
  /// A list file or a folder of class folders.
  package var list: String
  /// The folder that the list's relative paths start from; nil for the list's own.
  package var root: String?
  package var wordCount = 1024
  /// Local descriptors that the words are made of.
  package var sample = 200_000
  package var seed: UInt64 = 0
  /// The most passes over them.
  package var iterations = 50
  package var decode = DecodeMode.exact
  /// Images of more millions of pixels fail.
  package var maxMegapixels = ImageDecoder.pixelLimit / 1_000_000

  /// No more local descriptors can be summed exactly.
  package static let largestSample = KMeans.mostPoints

  package init(list: String) { self.list = list }
}

/// Why there is no codebook.
package enum CodebookError: ErrorWithStatus, Equatable, CustomStringConvertible {
  /// No image of the list can be used.
  case noImages(count: Int, example: String, root: String?)
  /// There are fewer different local descriptors than there shall be words.
  case tooFewDescriptors(found: Int, words: Int)
  case invalidCheckpoint(path: String, reason: String)
  case otherCheckpoint(path: String, differences: [String])
  case cannotWrite(SystemError)

  package var description: String {
    switch self {
    case .noImages(let count, let example, let root):
      "none of \(count) images can be used: \(example)"
        + (root.map { "; relative paths start from \($0): is that --root right?" } ?? "")
    case .tooFewDescriptors(let found, let words):
      "found \(found) different local descriptors, expected \(words) or more, one a word; give more "
        + "images, a larger --sample or fewer --words"
    case .invalidCheckpoint(let path, let reason):
      "\(path) is no checkpoint to go on from: \(reason); remove it, or begin anew with --overwrite"
    case .otherCheckpoint(let path, let differences):
      "\(path) is of another codebook (\(differences.joined(separator: "; "))); choose another "
        + "--output, or begin anew with --overwrite"
    case .cannotWrite(let error): "\(error)"
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .noImages, .tooFewDescriptors, .invalidCheckpoint: .badInput
    case .otherCheckpoint, .cannotWrite: .cannotCreate
    }
  }
}
