internal import Glibc
internal import Synchronization

/// Memory that buffers are cut from, one behind the other.
///
/// A network's kernels hop between dozens of places in several buffers. In arenas, whose pages are
/// huge where the system has such, a few address translations cover them all; with buffers of their
/// own, ends and small ones would lie on hundreds of small pages. An arena is given back when the last
/// buffer cut from it is gone; pages that nobody touches take no memory.
final class Arena: @unchecked Sendable {
  // Invariant behind `@unchecked`: no two buffers get the same part of what `start` points to.
  private let start: UnsafeMutableRawPointer
  private let byteCount: Int

  private static let hugePageByteCount = 1 << 21
  private static let usualByteCount = 16 * hugePageByteCount
  private static let alignment = 64

  /// Where the next buffer may begin.
  private struct Remainder {
    weak var arena: Arena?
    var used = 0
  }
  private static let remainder = Mutex(Remainder())

  private init(byteCount: Int) {
    self.byteCount = byteCount
    let mapping = mmap(
      nil, byteCount + Self.hugePageByteCount, PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let mapping, mapping != MAP_FAILED else {
      fatalError("out of memory: \(byteCount) bytes for network activations")
    }
    // Whole huge pages; what the mapping has before and after them goes back.
    start = mapping.alignedUp(toMultipleOf: Self.hugePageByteCount)
    let before = start - mapping
    if before > 0 { munmap(mapping, before) }
    if before < Self.hugePageByteCount {
      munmap(start + byteCount, Self.hugePageByteCount - before)
    }
    madvise(start, byteCount, MADV_HUGEPAGE)
  }

  deinit { munmap(start, byteCount) }

  /// Memory of zeros that nobody else uses as long as the arena lives.
  static func place(byteCount: Int) -> (arena: Arena, start: UnsafeMutableRawPointer) {
    let size = (byteCount + alignment - 1) / alignment * alignment
    return remainder.withLock { remainder in
      if let arena = remainder.arena, size <= arena.byteCount - remainder.used {
        defer { remainder.used += size }
        return (arena, arena.start + remainder.used)
      }
      let whole = (size + hugePageByteCount - 1) / hugePageByteCount * hugePageByteCount
      let arena = Arena(byteCount: max(whole, usualByteCount))
      // The one with more room left is the one to cut from next.
      if arena.byteCount - size > (remainder.arena?.byteCount ?? 0) - remainder.used {
        remainder = Remainder(arena: arena, used: size)
      }
      return (arena, arena.start)
    }
  }
}
