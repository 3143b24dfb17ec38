internal import Tensors

/// A step of the part of the network whose activations are maps.
///
/// Maps are numbered by the plan; 0 is the input.
protocol MapStep: Sendable {
  /// Name of the layer, for reports.
  var layer: String { get }
  /// The map that the step reads, and the one it makes; the same for a step that works in place or
  /// makes none.
  var from: Int { get }
  var to: Int { get }
  /// Images that the step takes together; more go through it one after the other. 1 by default.
  var imagesAtOnce: Int { get }
  /// Floats of the buffers that the step works in; none by default.
  var scratch: (transformed: Int, sums: Int) { get }

  /// The output's lines that can be made next; nil when there is too little to make them of. By
  /// default all at once, of a complete input.
  ///
  /// - Parameters:
  ///   - progress: how much of the map is made.
  ///   - input: how much of the map it is made of is.
  func nextLines(_ progress: MapProgress, from input: MapProgress) -> Range<Int>?
  /// Does a part of the step.
  ///
  /// - Parameter images: of the chunk; at most `imagesAtOnce`.
  func run(_ images: Range<Int>, part: StepPart, of chunk: Chunk, _ kernels: NetworkKernels)

  /// Multiply-adds that `repeatProducts` makes for an image; 0 by default.
  var multiplyAdds: Int { get }
  /// Makes the products of a convolution again, which `run` has just made of the same images and
  /// part; their sums are the same.
  func repeatProducts(_ images: Range<Int>, part: StepPart, of chunk: Chunk)
}

extension MapStep {
  var imagesAtOnce: Int { 1 }
  var scratch: (transformed: Int, sums: Int) { (0, 0) }
  var multiplyAdds: Int { 0 }
  func repeatProducts(_ images: Range<Int>, part: StepPart, of chunk: Chunk) {}

  func nextLines(_ progress: MapProgress, from input: MapProgress) -> Range<Int>? {
    input.isComplete ? 0..<progress.height : nil
  }
}

/// How far a map has been made, from the top.
struct MapProgress: Sendable {
  let height: Int
  /// Lines that are there.
  var lines = 0
  /// Parts in which they were made.
  var parts = 0

  var isComplete: Bool { lines == height }
}

/// A part of a step of an image's maps: what can be done once enough of the step before is.
struct StepPart: Sendable, Hashable {
  /// Index of the step in the plan.
  let step: Int
  /// Which of the step's parts it is: of a convolution, the strip.
  let number: Int
  /// The output's lines that the part makes.
  let lines: Range<Int>
}
