internal import CKernels

/// The nearest of many candidates to one point, kept while candidates come block by block.
package struct NearestSelection: Sendable {
  private var values: [Float]
  private var indices: [UInt32]
  private var held = 0
  private let k: Int

  package init(_ k: Int) {
    precondition(k > 0)
    self.k = k
    values = [Float](repeating: 0, count: k)
    indices = [UInt32](repeating: 0, count: k)
  }

  /// Looks at candidates `base...`: the least `norms[j] − 2·products[j]` stay.
  ///
  /// - Parameter row: of `products`, which are rows of `norms.count`.
  package mutating func add(
    _ products: [Float], row: Int, norms: Span<Float>, base: Int, excluding own: Int
  ) {
    let count = norms.count
    precondition((row + 1) * count <= products.count, "products are missing")
    if count == 0 { return }
    let kernels = KernelClass.supported.last!.runnableSet.embedding!.pointee
    let (k, held) = (k, held)
    self.held = products.withUnsafeBufferPointer { products in
      norms.withUnsafeBufferPointer { norms in
        values.withUnsafeMutableBufferPointer { values in
          indices.withUnsafeMutableBufferPointer { indices in
            kernels.nearest(
              products.baseAddress! + row * count, norms.baseAddress, count, base, own, k, held,
              values.baseAddress, indices.baseAddress)
          }
        }
      }
    }
  }

  /// The candidates held, in no order.
  package var found: ArraySlice<UInt32> { indices[..<held] }
}
