internal import Tensors

/// The kernels that an engine computes with.
struct EngineKernels: Sendable {
  let kernelClass: KernelClass
  let float: NetworkKernels
  /// For the products of most layers, in place of the others; nil for none.
  let bfloat16: BFloat16Kernels?

  /// - Parameter float: nil for the class's own.
  init(_ kernelClass: KernelClass, float: NetworkKernels? = nil, bfloat16: BFloat16Kernels? = nil) {
    self.kernelClass = kernelClass
    self.float = float ?? NetworkKernels(kernelClass)
    self.bfloat16 = bfloat16
  }
}
