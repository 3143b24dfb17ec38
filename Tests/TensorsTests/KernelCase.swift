import Tensors
import Testing

/// A set of kernels that this processor can run.
struct KernelCase: Sendable, CustomTestStringConvertible {
  let name: String
  let kernels: NetworkKernels
  /// One rounding a multiply-add.
  let isFused: Bool

  var testDescription: String { name }

  /// Every class of this processor, and the AVX-512 shape in AVX2 instructions.
  static let all: [KernelCase] =
    KernelClass.supported.map {
      KernelCase(name: $0.rawValue, kernels: NetworkKernels($0), isFused: $0 != .baseline)
    }
    + (NetworkKernels.avx512Shape.map {
      [KernelCase(name: "avx512 shape", kernels: $0, isFused: true)]
    }
      ?? [])
}
