import Glibc
import Synchronization

/// A change to the disk that was made, for tests of the order of changes.
package enum DiskChange: Equatable, Sendable {
  case write(String)
  /// The file's contents are durable.
  case synchronize(String)
  case rename(String, to: String)
  case remove(String)
  /// The folder's names are durable.
  case synchronizeFolder(String)
}

/// Shows a test every change that `PositionedFile` and `FileSystem` make, in order.
///
/// Durability is a matter of order, which shows in no file as long as the power stays on. What goes
/// through `StoreFolder` has a finer probe there; this one covers everything else.
package enum DiskProbe {
  /// So many threads are watched: none, but in tests.
  private static let watched = Atomic<Int>(0)
  /// By thread, so that tests side by side do not see each other's changes.
  private static let changes = Mutex<[pthread_t: [DiskChange]]>([:])

  /// The changes that `body` makes on the calling thread; those that failed are none.
  package static func changes(_ body: () throws -> Void) rethrows -> [DiskChange] {
    let thread = pthread_self()
    changes.withLock { $0[thread] = [] }
    watched.add(1, ordering: .relaxed)
    defer {
      watched.subtract(1, ordering: .relaxed)
      changes.withLock { $0[thread] = nil }
    }
    try body()
    return changes.withLock { $0[thread]! }
  }

  /// Notes a change that was just made.
  static func note(_ change: @autoclosure () -> DiskChange) {
    if watched.load(ordering: .relaxed) == 0 { return }
    let change = change()
    changes.withLock { $0[pthread_self()]?.append(change) }
  }
}
