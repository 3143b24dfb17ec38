internal import Synchronization

/// What a rank's compute side and the thread that talks to others tell each other at any time.
final class WorkState: Sendable {
  private let images = Atomic<Int>(0)
  private let stopping = Atomic<Bool>(false)

  /// Images decoded, and images computed: a number that stands still is a worker that does not get on.
  var imageSteps: Int { images.load(ordering: .relaxed) }

  func add(imageSteps: Int) { images.wrappingAdd(imageSteps, ordering: .relaxed) }

  /// Whether images that are not begun are to be left to the next run.
  var isStopping: Bool { stopping.load(ordering: .relaxed) }

  func stop() { stopping.store(true, ordering: .relaxed) }
}
