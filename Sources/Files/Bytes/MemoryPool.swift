internal import Synchronization

/// Memory of blocks that nobody has any more, for those that come next.
///
/// Memory fresh from the system costs a page fault every 4 KB and lies in no cache, which for messages of
/// megabytes takes as long as moving them; what was used last is used again first.
package final class MemoryPool: Sendable {
  private struct Free: @unchecked Sendable {
    // Invariant behind `@unchecked`: nobody else has the addresses of what is here.
    var all: [UnsafeMutableRawBufferPointer] = []
    var byteCount = 0
  }

  private let free = Mutex(Free())
  private let limit: Int

  /// Smaller blocks are not worth it: the C library keeps their memory.
  private static let smallest = 64 << 10
  /// A block has at most so many times the memory that it needs.
  private static let largestRatio = 4

  /// - Parameter limit: bytes that are kept while nobody needs them.
  package init(limit: Int) { self.limit = limit }

  deinit {
    for memory in free.withLock({ $0.all }) { memory.deallocate() }
  }

  /// A block whose bytes may be any.
  package func block(byteCount: Int) -> MemoryBlock {
    if byteCount < Self.smallest { return MemoryBlock(byteCount: byteCount) }
    let kept = free.withLock { free -> Free in
      let fits = byteCount...byteCount * Self.largestRatio
      guard let index = free.all.lastIndex(where: { fits.contains($0.count) }) else {
        return Free()
      }
      let memory = free.all.remove(at: index)
      free.byteCount -= memory.count
      return Free(all: [memory])
    }
    let memory = kept.all.first ?? .allocate(byteCount: byteCount, alignment: 64)
    return MemoryBlock(memory, byteCount: byteCount, pool: self)
  }

  /// Bytes that are kept; for tests.
  var keptByteCount: Int { free.withLock { $0.byteCount } }

  /// Keeps the memory of a block that is gone, in place of what has lain here longest.
  func take(back memory: UnsafeMutableRawBufferPointer) {
    let back = Free(all: [memory])
    let surplus = free.withLock { free -> Free in
      free.all += back.all
      free.byteCount += back.all[0].count
      var surplus = Free()
      while free.byteCount > limit {
        surplus.all.append(free.all.removeFirst())
        free.byteCount -= surplus.all.last!.count
      }
      return surplus
    }
    for memory in surplus.all { memory.deallocate() }
  }
}
