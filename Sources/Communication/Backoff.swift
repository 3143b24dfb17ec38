internal import Glibc

/// Sleeps of growing length between two looks at something that may have arrived.
///
/// Blocking calls of MPI libraries spin a whole core while they wait; this leaves it to the threads
/// that compute. The idea is the barrier of decaf-release's `decaf/util/mpi.py`.
package struct Backoff {
  private var microseconds: UInt32
  private static let shortest: UInt32 = 20
  private static let longest: UInt32 = 2_000

  package init() { microseconds = Self.shortest }

  /// Sleeps: 20 µs at first, twice as long each time, at most 2 ms.
  package mutating func wait() {
    usleep(microseconds)
    microseconds = min(microseconds * 2, Self.longest)
  }

  /// Something arrived: the next wait is short again.
  package mutating func reset() { microseconds = Self.shortest }
}
