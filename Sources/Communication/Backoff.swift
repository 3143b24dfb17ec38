internal import Glibc

/// Sleeps of growing length between two looks at something that may have arrived.
///
/// Blocking calls of MPI libraries spin a whole core while they wait; this leaves it to the threads
/// that compute. The idea is the barrier of decaf-release's `decaf/util/mpi.py`.
package struct Backoff {
  private var microseconds: UInt32
  /// When parts of a message last came or went.
  private var lastMove: ContinuousClock.Instant?

  private static let shortest: UInt32 = 20
  private static let longest: UInt32 = 2_000
  /// Libraries move a little of a long message at each look: a sleep after each, which takes 70 µs at
  /// least, would leave a fifth of what memory can move.
  private static let patience = Duration.microseconds(200)
  /// Where nothing has moved for so long, the network is what is waited for.
  private static let longestInTransfer: UInt32 = 80

  package init() { microseconds = Self.shortest }

  /// Sleeps: 20 µs at first, a quarter longer each time, so that what arrives waits no longer than a
  /// fifth of what it took; at most 2 ms.
  ///
  /// While a long message moves, it does not sleep but only lets other threads go first; while one is
  /// under way and does not move, it sleeps at most 80 µs.
  package mutating func wait(_ transfer: Transfer = .none) {
    if transfer == .none {
      lastMove = nil
      usleep(microseconds)
    } else {
      if transfer == .moving { lastMove = .now }
      if let lastMove, .now - lastMove < Self.patience {
        sched_yield()
        return
      }
      usleep(min(microseconds, Self.longestInTransfer))
    }
    microseconds = min(microseconds + microseconds / 4, Self.longest)
  }

  /// Something arrived: the next wait is short again.
  package mutating func reset() { microseconds = Self.shortest }
}
