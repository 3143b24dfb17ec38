internal import Files
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

  /// An image that a thread of the team decodes.
  struct InHand: Sendable {
    let row: Int
    let location: ByteString
    let begin: ContinuousClock.Instant
  }

  private let inHand = Mutex<[Int: InHand]>([:])

  func begin(row: Int, _ location: ByteString, worker: Int) {
    inHand.withLock { $0[worker] = InHand(row: row, location: location, begin: .now) }
  }

  func end(worker: Int) { inHand.withLock { _ = $0.removeValue(forKey: worker) } }

  /// The image that has been in hand longest, if that is longer than `limit` seconds.
  func overdue(_ limit: Double) -> InHand? {
    let oldest = inHand.withLock { $0.values.min { $0.begin < $1.begin } }
    guard let oldest, seconds(since: oldest.begin) > limit else { return nil }
    return oldest
  }
}
