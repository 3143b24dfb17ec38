internal import Files
internal import Foundation
internal import Synchronization

/// Makes a trap in a thread of in-process ranks a failure of that run, not the end of the process.
///
/// A failing precondition cannot be caught in Swift, and would end a whole test process without saying
/// which test it was. The handler of its signal therefore notes the trap and never returns: the thread
/// stands still, with whatever it holds, while the others are woken and the run throws `RankTrap`. For
/// tests alone: a job of real ranks ends with the rank that traps.
enum RankTraps {
  private static let signals = [SIGILL, SIGTRAP, SIGFPE, SIGSEGV, SIGBUS]

  // Written under `lock` before the handler that reads them is installed.
  nonisolated(unsafe) private static let previous = UnsafeMutablePointer<sigaction>.allocate(
    capacity: 65)
  private static let lock = Mutex<Void>(())

  /// Runs going on; while there are none, a trap is what it was before.
  private static let runCount = Atomic<Int>(0)
  /// Traps so far, in any thread of this process.
  private static let trapCount = Atomic<Int>(0)

  /// The thread's own place to note a trap, for threads that are ranks.
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// Where a rank's trap is noted; never freed, as its thread may stand still for ever.
  final class Note: Sendable {
    let isTrapped = Atomic<Bool>(false)
  }

  /// Traps in any thread so far; see `run(_:)`.
  static var count: Int { trapCount.load(ordering: .acquiring) }

  /// Runs `body`, in which threads may be ranks; in the meantime a trap stops its thread alone.
  static func run<Result>(_ body: () throws -> Result) rethrows -> Result {
    _ = (key, WorkingThread.isCurrent)
    runCount.add(1, ordering: .acquiringAndReleasing)
    defer { runCount.subtract(1, ordering: .acquiringAndReleasing) }
    install()
    return try body()
  }

  /// Makes the calling thread a rank, whose trap goes into `note`.
  static func adopt(_ note: Note) {
    pthread_setspecific(key, Unmanaged.passRetained(note).toOpaque())
  }

  /// Others may have installed handlers since: this one goes before theirs, and hands on.
  private static func install() {
    lock.withLock { _ in
      for signal in signals {
        var present = sigaction()
        sigaction(signal, nil, &present)
        var own = sigaction()
        own.__sigaction_handler.sa_handler = { RankTraps.handle($0) }
        if address(present) == address(own) { continue }
        previous[Int(signal)] = present
        sigaction(signal, &own, nil)
      }
    }
  }

  private static func address(_ action: sigaction) -> UInt {
    unsafeBitCast(action.__sigaction_handler.sa_handler, to: UInt.self)
  }

  /// Calls nothing that waits or allocates: the thread may be anywhere. A thread that runs a test itself
  /// must not stand still: nobody waits for it with a limit.
  private static func handle(_ signal: Int32) {
    let note = pthread_getspecific(key)
    guard runCount.load(ordering: .acquiring) > 0, note != nil || WorkingThread.isCurrent else {
      // As it was before; the instruction traps once more.
      sigaction(signal, &previous[Int(signal)], nil)
      return
    }
    if let note {
      Unmanaged<Note>.fromOpaque(note).takeUnretainedValue()
        .isTrapped.store(true, ordering: .releasing)
    }
    trapCount.add(1, ordering: .acquiringAndReleasing)
    while true { pause() }
  }
}

/// A thread of in-process ranks trapped: a precondition failed, an integer overflowed.
package struct RankTrap: Error, Equatable, CustomStringConvertible {
  /// Nil when it was no rank's own thread: one of a team, perhaps another run's.
  package let rank: Int?

  package init(rank: Int?) { self.rank = rank }

  package var description: String {
    let place = rank.map { "rank \($0)" } ?? "a thread that works for a rank"
    return "\(place) trapped: a precondition failed, or arithmetic overflowed"
  }
}
