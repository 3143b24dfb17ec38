internal import CKernels

/// Products of bfloat16 matrices with float sums, as processors with AMX compute them; see `bfloat16.h`.
package struct TileKernels: @unchecked Sendable {
  // Invariant behind `@unchecked`: the table is a constant of the C target.
  let table: UnsafePointer<decaf_tile_kernels>

  /// In the processor's own instructions; nil when processor or system have none.
  package static let native: TileKernels? =
    decaf_enable_tiles() != 0 ? decaf_amx().map { TileKernels(table: $0) } : nil

  /// The same in plain code, slow, bit for bit the same: lets any processor test what is built of
  /// them.
  package static let emulated = TileKernels(table: decaf_amx_shape())
}

extension FloatBuffer {
  /// The same memory as numbers of 16 bits, two a float.
  var halves: UnsafeMutablePointer<UInt16> {
    UnsafeMutableRawPointer(base).assumingMemoryBound(to: UInt16.self)
  }
}
