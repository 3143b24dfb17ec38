internal import Tensors

/// Lines of the input that a line of the output is made of: `size` of them, from
/// `stride · line − padding` on.
struct LineWindow: Sendable {
  let size: Int
  let stride: Int
  var padding = 0

  /// A line is made of the same line of the input alone.
  static let pointwise = LineWindow(size: 1, stride: 1)

  /// Lines that the first `count` of the input are enough for.
  func lines(from count: Int) -> Int {
    let reached = count + padding
    return reached < size ? 0 : (reached - size) / stride + 1
  }
}

/// Pooling, normalization and their like: an image's map from another, line by line, each as soon as
/// what it is made of is there.
struct LineStep: MapStep {
  let layer: String
  let from: Int
  let to: Int
  let window: LineWindow
  /// Makes lines of the output.
  let body:
    @Sendable (
      _ kernels: NetworkKernels, _ input: FeatureMap, _ output: FeatureMap, _ lines: Range<Int>
    ) -> Void

  func nextLines(_ progress: MapProgress, from input: MapProgress) -> Range<Int>? {
    // The last windows are clipped at the edge: a complete input is enough for all lines.
    let end =
      input.isComplete ? progress.height : min(window.lines(from: input.lines), progress.height)
    return end > progress.lines ? progress.lines..<end : nil
  }

  func run(_ images: Range<Int>, part: StepPart, of chunk: Chunk, _ kernels: NetworkKernels) {
    for image in images {
      body(kernels, chunk.map(from, image: image), chunk.map(to, image: image), part.lines)
    }
  }
}
