internal import Tensors

/// What an engine does for a batch, laid out once: the steps, and where every activation lives.
struct EnginePlan: Sendable {
  /// Run for each image, in the stages' order.
  let mapSteps: [any MapStep]
  let mapStages: [MapStage]
  /// Run for the whole batch, after all map steps.
  let rowSteps: [any RowStep]
  /// Map 0, the input, and those of a thread's workspace.
  let layouts: [MapLayout]
  /// How the input is folded; nil if it is not.
  let inputFolding: SpaceToDepth?
  /// The wanted activations, in the order they were asked for.
  let outputs: [RowMatrix]

  /// Names of the steps' layers, in the order of the steps: for reports.
  var stepNames: [String] { mapSteps.map(\.layer) + rowSteps.map(\.layer) }

  /// Images that go through the map stages together.
  static let chunkSize = 8

  /// - Parameter planner: with the steps of all layers that are needed.
  init(_ planner: EnginePlanner, outputs: [RowMatrix]) {
    mapSteps = planner.mapSteps
    rowSteps = planner.rowSteps
    layouts = planner.layouts
    inputFolding = planner.inputFolding
    self.outputs = outputs
    mapStages = Self.stages(of: mapSteps, heights: layouts.map(\.height))
  }

  /// Neighbouring steps that take as many images at a time make up a stage.
  private static func stages(of steps: [any MapStep], heights: [Int]) -> [MapStage] {
    var ranges = [Range<Int>]()
    for (i, step) in steps.enumerated() {
      if let last = ranges.last, step.imagesAtOnce == steps[last.lowerBound].imagesAtOnce {
        ranges[ranges.count - 1] = last.lowerBound..<i + 1
      } else {
        ranges.append(i..<i + 1)
      }
    }
    return ranges.map { MapStage($0, of: steps, heights: heights) }
  }

  /// The thread's own maps for this plan.
  func makeWorkspace() -> Workspace {
    // A map that stays inside a stage is needed for the images only that go through it at once.
    let copies = layouts.indices.map { map in
      let stages = mapStages.filter {
        mapSteps[$0.steps].contains { [$0.from, $0.to].contains(map) }
      }
      return stages.count == 1 ? stages[0].imagesAtOnce : Self.chunkSize
    }
    return Workspace(
      maps: zip(layouts, copies).dropFirst().map { layout, count in
        (0..<count).map { _ in FeatureMap(layout) }
      },
      transformed: FloatBuffer(count: mapSteps.map(\.scratch.transformed).max() ?? 0),
      sums: FloatBuffer(count: mapSteps.map(\.scratch.sums).max() ?? 0))
  }
}
