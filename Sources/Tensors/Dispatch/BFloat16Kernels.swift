internal import CKernels

/// Products of bfloat16 matrices with float sums, as processors with AMX compute them; see
/// `bfloat16.h`.
package struct BFloat16Kernels: @unchecked Sendable {
  // Invariant behind `@unchecked`: the table is a constant of the C target.
  let table: UnsafePointer<decaf_bfloat16_kernels>

  /// The kernels of `set`, once the system has allowed them to this process; nil when processor or
  /// system have no such unit.
  private init?(enabling set: UnsafePointer<decaf_matrix_set>) {
    guard let enable = set.pointee.enable, enable() != 0 else { return nil }
    table = set.pointee.kernels
  }

  /// In the instructions of the processor's matrix unit, the fastest there is; nil when there is
  /// none.
  package static let native: BFloat16Kernels? = {
    var fastest: BFloat16Kernels?
    var entry = decaf_matrix_sets()!
    while let set = entry.pointee {
      fastest = BFloat16Kernels(enabling: set) ?? fastest
      entry += 1
    }
    return fastest
  }()

  /// The same in plain code, slow, bit for bit the same: lets any processor test what is built of
  /// them.
  package static let emulated = BFloat16Kernels(enabling: decaf_amx_shape_set())!
}

extension FloatBuffer {
  /// The same memory as numbers of 16 bits, two a float.
  var halves: UnsafeMutablePointer<UInt16> {
    UnsafeMutableRawPointer(base).assumingMemoryBound(to: UInt16.self)
  }
}
