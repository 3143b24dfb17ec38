internal import CKernels

/// Products of the differences of a few words from a descriptor: `Σ_j (w_a − x)_j·(w_b − x)_j`.
///
/// In double precision, each sum in the order of j: every kernel class gives the same bits.
package struct LocalSystem: Sendable {
  /// The most words.
  package static let mostWords = Int(DECAF_LOCAL_WORDS)
  private let kernels: DescriptorKernels

  /// - Precondition: the class is one of `KernelClass.supported`.
  package init(_ kernelClass: KernelClass) { kernels = DescriptorKernels(kernelClass) }

  /// The products, `n×n` for n words.
  ///
  /// - Parameters:
  ///   - words: rows as long as the descriptor.
  ///   - rows: of the words, at most `mostWords`.
  ///   - scratch: memory to be used again.
  package func products(
    of words: [Float], rows: [Int], with descriptor: Span<Float>, scratch: inout [Double]
  ) -> [Double] {
    let (width, size) = (descriptor.count, rows.count)
    precondition(
      size <= Self.mostWords && rows.allSatisfy { $0 >= 0 && ($0 + 1) * width <= words.count },
      "no such words")
    if scratch.count < 8 * width { scratch = [Double](repeating: 0, count: 8 * width) }
    var system = [Double](repeating: 0, count: size * size)
    if size == 0 || width == 0 { return system }
    words.withUnsafeBufferPointer { words in
      rows.withUnsafeBufferPointer { rows in
        descriptor.withUnsafeBufferPointer { descriptor in
          scratch.withUnsafeMutableBufferPointer { scratch in
            system.withUnsafeMutableBufferPointer { system in
              kernels.table.pointee.local_system(
                words.baseAddress, rows.baseAddress, size, descriptor.baseAddress, width,
                scratch.baseAddress, system.baseAddress)
            }
          }
        }
      }
    }
    return system
  }
}
