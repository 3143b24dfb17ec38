internal import Glibc

/// Sleeps of growing length between two looks at something that may have arrived.
///
/// Blocking calls of MPI libraries spin a whole core while they wait; this leaves it to the threads
/// that compute. The idea is the barrier of decaf-release's `decaf/util/mpi.py`.
package struct Backoff {
  private var microseconds: UInt32
  private static let shortest: UInt32 = 20
  private static let longest: UInt32 = 2_000
  /// Large messages go in pieces, each of which waits for the next look of both ranks.
  private static let longestInTransfer: UInt32 = 80

  package init() { microseconds = Self.shortest }

  /// Sleeps: 20 µs at first, a quarter longer each time, so that what arrives waits no longer than a
  /// fifth of what it took; at most 2 ms, and 80 µs while a message is under way.
  package mutating func wait(duringTransfer: Bool = false) {
    usleep(duringTransfer ? min(microseconds, Self.longestInTransfer) : microseconds)
    microseconds = min(microseconds + microseconds / 4, Self.longest)
  }

  /// Something arrived: the next wait is short again.
  package mutating func reset() { microseconds = Self.shortest }
}
