internal import Glibc

/// The second factor of products, in the order in which kernels read it; see `TrainingKernels.pack`.
///
/// It grows as needed and keeps its memory: one serves many products.
package final class PackedMatrix<Element: BinaryFloatingPoint>: @unchecked Sendable {
  // Invariant behind `@unchecked`: packed by one thread, which owns it then; products only read it.
  private(set) var base: UnsafeMutablePointer<Element>
  private var capacity = 0
  package internal(set) var depth = 0
  package internal(set) var columns = 0

  package init() {
    base = UnsafeMutablePointer(bitPattern: MemoryLayout<Element>.alignment)!
  }

  deinit { if capacity > 0 { free(base) } }

  /// Makes room for `count` elements, whose values are lost.
  func reserve(_ count: Int) {
    if count <= capacity { return }
    if capacity > 0 { free(base) }
    capacity = count
    let byteCount = (count * MemoryLayout<Element>.stride + 63) / 64 * 64
    guard let raw = aligned_alloc(64, byteCount) else {
      fatalError("out of memory: \(byteCount) bytes for a packed matrix")
    }
    base = raw.bindMemory(to: Element.self, capacity: count)
  }
}
