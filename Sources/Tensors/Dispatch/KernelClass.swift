/// The instruction set that the engine's kernels are built for, ordered from slow to fast.
///
/// Part of a store's provenance: features of two classes may differ in their last bits.
package enum KernelClass: String, Sendable, Hashable, Codable, CaseIterable, Comparable {
  case baseline, neon, avx2, avx512

  package static func < (a: Self, b: Self) -> Bool {
    allCases.firstIndex(of: a)! < allCases.firstIndex(of: b)!
  }
}
