internal import Synchronization

/// Counts what several threads have done.
final class Counter: Sendable {
  private let value = Atomic<Int>(0)

  /// Counts one more and returns how many there are now.
  func increment() -> Int { value.wrappingAdd(1, ordering: .relaxed).newValue }
}
