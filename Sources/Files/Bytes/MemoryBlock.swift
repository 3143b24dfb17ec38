/// Memory at a fixed address, which an array's elements do not have: a library reads or writes it while
/// this program does other things.
package final class MemoryBlock: @unchecked Sendable {
  // Invariant behind `@unchecked`: the pointer never changes; who fills the block hands it on only when
  // it is full, and from then on nobody writes to it.
  package let bytes: UnsafeMutableRawBufferPointer
  package var byteCount: Int { bytes.count }

  /// What `bytes` begin, and who takes it back.
  private let whole: UnsafeMutableRawBufferPointer
  private let pool: MemoryPool?

  package init(byteCount: Int) {
    bytes = .allocate(byteCount: byteCount, alignment: 64)
    whole = bytes
    pool = nil
  }

  package convenience init(_ array: [UInt8]) {
    self.init(byteCount: array.count)
    bytes.copyBytes(from: array)
  }

  /// The first bytes of memory that goes to `pool` when nobody has the block any more.
  init(_ whole: UnsafeMutableRawBufferPointer, byteCount: Int, pool: MemoryPool) {
    bytes = UnsafeMutableRawBufferPointer(rebasing: whole[..<byteCount])
    self.whole = whole
    self.pool = pool
  }

  deinit {
    if let pool { pool.take(back: whole) } else { whole.deallocate() }
  }
}
