internal import Descriptors

/// How far the making of a codebook is: enough to go on, on any number of ranks.
///
/// Images, descriptors and squares are this rank's own; the images of rank r are those with the numbers
/// `count·r/size..<count·(r+1)/size` of all.
struct CodebookProgress {
  /// What is going on.
  enum Phase: String, Codable {
    /// Descriptors of images.
    case images
    /// Choosing the first words.
    case words
    /// Passes over the descriptors.
    case passes
  }

  var phase = Phase.images
  /// What became of each image: the descriptors it gave, or one of the marks below.
  var outcomes: [Int]
  /// The descriptors of the images that gave some, in their order: pieces of `n×128`.
  var pieces: [[Float]] = []
  /// The first of the images that failed, and why.
  var failure: Failure?
  /// `count×128`, the same on every rank: those chosen so far, or those after the last pass.
  var words: [Float] = []
  /// While words are chosen: of each descriptor, its squared distance from the nearest of them.
  var squares: [Int64] = []
  var passes = 0
  /// The mean square that the last pass found; nil before.
  var meanSquare: Double?

  /// An image not looked at yet; one that cannot be used.
  static let (isMissing, hasFailed) = (-1, -2)

  /// An image that cannot be used.
  struct Failure: Codable {
    /// Its number among all.
    var image: Int
    var text: String
  }

  init(imageCount: Int) { outcomes = [Int](repeating: Self.isMissing, count: imageCount) }

  /// What is going on, for people.
  var summary: String {
    switch phase {
    case .images: "descriptors of images"
    case .words: "\(words.count / DenseSIFT.width) words chosen"
    case .passes: "\(passes) passes"
    }
  }

  /// How many descriptors own images gave.
  var descriptorCount: Int { outcomes.reduce(0) { $0 + max($1, 0) } }

  /// The images of one rank.
  static func images(of rank: Int, of size: Int, count: Int) -> Range<Int> {
    count * rank / size..<count * (rank + 1) / size
  }
}
