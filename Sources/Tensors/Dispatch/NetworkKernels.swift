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

  /// Maximum over windows of `size` × `size`, `stride` apart, clipped at the map's end, for `lines`
  /// of the output, or all.
  ///
  /// - Precondition: every window of `output` begins inside `input`; channels agree.
  package func maxPool(
    _ input: FeatureMap, into output: FeatureMap, lines: Range<Int>? = nil, size: Int, stride: Int
  ) {
    let lines = lines ?? 0..<output.layout.height
    precondition(size > 0 && stride > 0, "a pooling window needs a positive size and stride")
    precondition(
      input.layout.channels == output.layout.channels
        && (output.layout.height - 1) * stride < input.layout.height
        && (output.layout.width - 1) * stride < input.layout.width,
      "pooling windows beyond the map")
    precondition(lines.lowerBound >= 0 && lines.upperBound <= output.layout.height, "no such lines")
    withMaps(input, output) {
      table.pointee.max_pool(
        input.origin, $0, output.origin, $1, lines.lowerBound, lines.upperBound, size, stride)
    }
  }

  /// Channels that a normalization sums over.
  package static let normalizationSize = 5

  /// Normalizes each activation by the squared activations of nearby channels, for `lines` or all.
  ///
  /// `b[c] = a[c] / (k + alpha / 5 · Σ a[j]²)^0.75`, where `j` runs over the five channels centred
  /// on `c`, clipped at the first and last channel. Dividing alpha by their number follows Caffe;
  /// the AlexNet paper (2012, section 3.3) does not. Relative error of the power: 4e-7.
  ///
  /// - Precondition: shapes agree; the maps are distinct.
  package func normalize(
    _ input: FeatureMap, into output: FeatureMap, lines: Range<Int>? = nil, alpha: Float, k: Float
  ) {
    let lines = lines ?? 0..<output.layout.height
    precondition(
      input.layout.channels == output.layout.channels
        && input.layout.height == output.layout.height
        && input.layout.width == output.layout.width, "normalization keeps the shape")
    precondition(lines.lowerBound >= 0 && lines.upperBound <= output.layout.height, "no such lines")
    withMaps(input, output) {
      table.pointee.normalize(
        input.origin, $0, output.origin, $1, lines.lowerBound, lines.upperBound,
        alpha / Float(Self.normalizationSize), k)
    }
  }

  /// Replaces activations below zero by zero; NaN stays.
  package func rectify(_ map: FeatureMap) {
    withMaps(map, map) { layout, _ in table.pointee.rectify(map.origin, layout) }
  }

  /// Calls `body` with both maps as C sees them.
  private func withMaps(
    _ input: FeatureMap, _ output: FeatureMap,
    _ body: (UnsafePointer<decaf_map>, UnsafePointer<decaf_map>) -> Void
  ) {
    withUnsafePointer(to: input.layout.map) { input in
      withUnsafePointer(to: output.layout.map) { output in body(input, output) }
    }
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
