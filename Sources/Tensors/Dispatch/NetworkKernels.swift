internal import CKernels

/// The engine's vector kernels, compiled for one instruction set.
///
/// Every result depends on its own inputs alone and is computed in one fixed order, so no kernel's
/// bits depend on how many images, rows or threads there are. Classes with fused multiply-add
/// (`neon`, `avx2`, `avx512`) agree bit for bit; `baseline` rounds each product before adding it.
package struct NetworkKernels: @unchecked Sendable {
  // Invariant behind `@unchecked`: the table is a constant of the C target.
  let table: UnsafePointer<decaf_network_kernels>

  /// - Precondition: the class is one of `KernelClass.supported`.
  package init(_ kernelClass: KernelClass) {
    table = kernelClass.runnableSet.network!
  }

  private init(table: UnsafePointer<decaf_network_kernels>) { self.table = table }

  /// The AVX-512 kernels' panels and blocks in AVX2 instructions, slow: lets a processor without
  /// AVX-512 test that shape. Nil where there is no AVX2.
  package static let avx512Shape: NetworkKernels? =
    ProcessorFeatures.current.isSuperset(of: KernelSet.avx512Shape.requiredFeatures)
    ? KernelSet.avx512Shape.network.map { NetworkKernels(table: $0) } : nil

  /// Columns of a product that are computed side by side, at most: rows of an inner product.
  package var mostColumns: Int { table.pointee.panel_vectors * table.pointee.vector_width }

  /// The width of the panels that `columns` of a product are cut into, all equally wide.
  package func panelWidth(columns: Int) -> Int {
    Self.panelWidth(columns: columns, vector: table.pointee.vector_width, most: mostColumns)
  }

  /// Of the multiples of `vector` up to `most`, the one that leaves the fewest columns empty; of
  /// several, the widest.
  package static func panelWidth(columns: Int, vector: Int, most: Int) -> Int {
    func computed(_ width: Int) -> Int { (columns + width - 1) / width * width }
    return stride(from: most, through: vector, by: -vector).min { computed($0) < computed($1) }!
  }
}

extension MapLayout {
  var map: decaf_map {
    decaf_map(height: height, width: width, channels: channels, pitch: pitch)
  }
}

extension FeatureMap {
  /// Takes the activations from `values`, C×H×W.
  package func setChannelsFirst(_ values: Span<Float>) {
    precondition(values.count == layout.activationCount, "activations of another shape")
    values.withUnsafeBufferPointer { values in
      withUnsafePointer(to: layout.map) {
        decaf_channels_last(values.baseAddress!, origin, $0)
      }
    }
  }

  /// Writes the activations C×H×W into `values` from `start` on.
  package func copyChannelsFirst(to values: FloatBuffer, at start: Int) {
    precondition(
      start >= 0 && layout.activationCount <= values.count - start, "no room for the activations")
    withUnsafePointer(to: layout.map) {
      decaf_channels_first(origin, $0, values.base + start)
    }
  }
}
