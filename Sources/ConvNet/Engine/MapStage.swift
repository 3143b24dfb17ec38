internal import Tensors

/// A part of a step of an image's maps: what can be done once enough of the step before is.
struct StepPart: Sendable, Hashable {
  /// Index of the step in the plan.
  let step: Int
  /// The output's lines, of steps that go line by line.
  let lines: Range<Int>
  /// Of convolutions.
  var strip = 0
}

/// Consecutive map steps that an image, or several at once, go through before the next.
///
/// Images one by one keep their maps in the caches; convolutions of small maps want several at
/// once, so that their weights are read once for all of them. An image's steps take turns: as soon
/// as a strip of a convolution is there, the steps after it go on with its lines.
struct MapStage: Sendable {
  let steps: Range<Int>
  let imagesAtOnce: Int
  /// In the order in which they run.
  let parts: [StepPart]

  /// - Parameter heights: lines of every map.
  init(_ steps: Range<Int>, of all: [MapStep], heights: [Int]) {
    self.steps = steps
    imagesAtOnce = all[steps.lowerBound].imagesAtOnce
    var parts = [StepPart]()
    var linesDone = [Int](repeating: 0, count: steps.count)
    var stripsDone = linesDone
    var isIncomplete = true
    while isIncomplete {
      isIncomplete = false
      for (i, number) in steps.enumerated() {
        let step = all[number]
        let available = i == 0 ? heights[step.maps[0]] : linesDone[i - 1]
        let isReady = available == heights[step.maps[0]]
        let height = heights[step.maps.last!]
        if linesDone[i] == height { continue }
        if case .convolution(let convolution, _, _, _) = step {
          if isReady {
            let lines = convolution.lines(ofStrip: stripsDone[i])
            parts.append(StepPart(step: number, lines: lines, strip: stripsDone[i]))
            stripsDone[i] += 1
            linesDone[i] = lines.upperBound
          }
        } else {
          let end = step.outputLines(from: available, isComplete: isReady, of: height)
          if end > linesDone[i] {
            parts.append(StepPart(step: number, lines: linesDone[i]..<end))
            linesDone[i] = end
          }
        }
        isIncomplete = isIncomplete || linesDone[i] < height
      }
    }
    self.parts = parts
  }
}

extension MapStep {
  /// Lines of the output that the first `count` lines of the input are enough for.
  ///
  /// - Parameters:
  ///   - isComplete: these are all there are.
  ///   - height: of the output.
  fileprivate func outputLines(from count: Int, isComplete: Bool, of height: Int) -> Int {
    if isComplete { return height }
    switch self {
    case .maxPooling(_, _, let size, let stride):
      return count < size ? 0 : min((count - size) / stride + 1, height)
    case .normalization: return count
    case .convolution, .rectification, .flattening: return 0
    }
  }
}
