internal import Tensors

/// The kernels that an engine computes with.
struct EngineKernels: Sendable {
  let kernelClass: KernelClass
  let float: Kernels
  /// For the products of most layers, in place of the others; nil for none.
  let bfloat16: TileKernels?

  /// - Parameter float: nil for the class's own.
  init(_ kernelClass: KernelClass, float: Kernels? = nil, bfloat16: TileKernels? = nil) {
    self.kernelClass = kernelClass
    self.float = float ?? Kernels(kernelClass)
    self.bfloat16 = bfloat16
  }
}
