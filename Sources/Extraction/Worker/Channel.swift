internal import Foundation

/// A queue between threads of one rank.
package final class Channel<Element: Sendable>: @unchecked Sendable {
  // Invariant behind `@unchecked`: every access to the variables holds `condition`.
  private let condition = NSCondition()
  private var elements: [Element] = []
  private var isClosed = false

  package init() {}

  /// Appends an element; never waits.
  package func push(_ element: Element) {
    condition.withLock {
      elements.append(element)
      condition.signal()
    }
  }

  /// The oldest element, or nil when there is none now.
  package func poll() -> Element? {
    condition.withLock { elements.isEmpty ? nil : elements.removeFirst() }
  }

  /// The oldest element; waits for one, and returns nil when the channel is closed and empty.
  package func pop() -> Element? {
    condition.withLock {
      while elements.isEmpty && !isClosed { condition.wait() }
      return elements.isEmpty ? nil : elements.removeFirst()
    }
  }

  /// No more elements will come.
  package func close() {
    condition.withLock {
      isClosed = true
      condition.broadcast()
    }
  }
}
