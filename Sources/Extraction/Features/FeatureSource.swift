package import ConvNet
package import FeatureStore
package import Files
package import Tensors

/// What features are made by, opened and ready: a network with its weights, or a hand-made descriptor.
package protocol FeatureSource: Sendable {
  /// What a row has of each kind, in the order of the makers' outputs.
  var layers: [LayerSpec] { get }
  /// All that decides the features' values, but for images, kernel class and arithmetic.
  var recipe: FeatureRecipe { get }
  /// The choices that make it, settled: with the transform that images go through.
  var options: RecipeOptions { get }
  /// Version of the order and rounding of what is computed.
  var arithmeticVersion: Int { get }
  /// The file with the numbers that it works by, for messages.
  var path: String { get }
  /// For people: what it is.
  var title: String { get }
  /// What other processes of this host need not find out again; nil for nothing.
  var knownDigest: Model.KnownDigest? { get }
  /// Files that must not change while it is used.
  var inputs: [InputFile] { get }
  /// What is odd about them.
  var warnings: [String] { get }

  /// What computes the features on one rank.
  ///
  /// - Parameters:
  ///   - capacity: most inputs (images × views) whose rows there is room for.
  ///   - inputCapacity: most of them that are there at a time.
  func makeMaker(
    capacity: Int, inputCapacity: Int, team: ThreadTeam, kernelClass: KernelClass
  ) throws -> any FeatureMaker
}

/// What makes rows of decoded images, a batch at a time: the network's engine, or a descriptor's
/// workers.
///
/// A batch's inputs come in parts: `input` says where each goes, `runMaps` takes those that are there
/// further; once all have come so far, `runRows` ends the work, and the rows can be read. A row depends
/// on its own image alone, bit for bit.
package protocol FeatureMaker: Sendable {
  /// The place of the input `number` of a part; threads may fill different ones at once.
  func input(_ number: Int, _ layout: MapLayout) -> ImagePlace
  /// Takes some of the batch's images, whose inputs are the first ones, as far as that goes without
  /// the others.
  func runMaps(of images: Range<Int>)
  /// Ends the work on the batch's first `count` images.
  func runRows(count: Int)
  /// A copy of the row of the batch's image `image`.
  func row(_ output: Int, image: Int) -> [Float]
  /// Calls `body` with that row.
  func withRow<R, E: Error>(
    _ output: Int, image: Int, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R
  /// Seconds of all threads since the last call, by what they were spent on.
  func takeTimes() -> [LayerTime]
}
