/// What a layer, or a step beside the layers, has taken.
package struct LayerTime: Equatable, Sendable {
  package var layer: String
  package var seconds: Double

  package init(layer: String, seconds: Double) {
    (self.layer, self.seconds) = (layer, seconds)
  }
}

/// Seconds that one thread of an engine has spent on each step: two looks at the clock a step.
final class StepTally: @unchecked Sendable {
  // Invariant behind `@unchecked`: one thread of the team owns it while the engine runs; it is read
  // between runs.
  private var seconds: [Double]

  init(count: Int) { seconds = [Double](repeating: 0, count: count) }

  /// - Parameter threads: that work on the step together, and count each.
  func measure(_ step: Int, threads: Int, _ body: () -> Void) {
    let elapsed = ContinuousClock().measure(body)
    seconds[step] += elapsed / .seconds(1) * Double(threads)
  }

  /// The seconds since the last call.
  func take() -> [Double] {
    defer { seconds = [Double](repeating: 0, count: seconds.count) }
    return seconds
  }
}
