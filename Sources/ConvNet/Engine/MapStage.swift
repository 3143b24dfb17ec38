/// Consecutive map steps that an image, or several at once, go through before the next.
///
/// Images one by one keep their maps in the caches; convolutions of small maps want several at once, so
/// that their weights are read once for all of them. Of single images an image's steps take turns: as
/// soon as a strip of a convolution is there, the steps after it go on with its lines, which are still
/// in the second cache. So only a ring of lines travels through ReLU, pooling and normalization, where
/// whole maps (conv1 makes 1.2 MB) would be written out and read back three times.
struct MapStage: Sendable {
  let steps: Range<Int>
  let imagesAtOnce: Int
  /// In the order in which they run.
  let parts: [StepPart]

  /// - Parameter heights: lines of every map.
  init(_ steps: Range<Int>, of all: [any MapStep], heights: [Int]) {
    self.steps = steps
    imagesAtOnce = all[steps.lowerBound].imagesAtOnce
    var parts = [StepPart]()
    // What the first step reads is there from the start.
    let input = heights[all[steps.lowerBound].from]
    var progress = [MapProgress(height: input, lines: input)]
    progress += all[steps].map { MapProgress(height: heights[$0.to]) }
    // Round after round, every step makes one part of what the step before has left it.
    while progress.contains(where: { !$0.isComplete }) {
      for (i, number) in steps.enumerated() where !progress[i + 1].isComplete {
        guard let lines = all[number].nextLines(progress[i + 1], from: progress[i]) else {
          continue
        }
        parts.append(StepPart(step: number, number: progress[i + 1].parts, lines: lines))
        progress[i + 1].lines = lines.upperBound
        progress[i + 1].parts += 1
      }
    }
    self.parts = parts
  }
}
