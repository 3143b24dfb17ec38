internal import CKernels

/// Kernels of a network's layers in training, forward and backward, compiled for one instruction set.
///
/// Each works on one image's maps, `height×width×channels`; results depend on that image alone and
/// every sum has one order, so neither batches nor threads show in the bits.
package struct LayerKernels: @unchecked Sendable {
  // Invariant behind `@unchecked`: the table is a constant of the C target.
  let table: UnsafePointer<decaf_training_kernels>

  /// - Precondition: the class is one of `KernelClass.supported`.
  package init(_ kernelClass: KernelClass) { table = kernelClass.runnableSet.training! }

  private var layers: decaf_layer_kernels { table.pointee.layers }

  /// Copies what the windows of some outputs look at: a row an output, window's rows, columns,
  /// channels; zeros beyond the map.
  ///
  /// - Parameters:
  ///   - channels: of the map that are copied.
  ///   - outputs: counted row by row.
  package func gatherWindows(
    _ grid: WindowGrid, of map: BufferPart, channels: Range<Int>, outputs: Range<Int>,
    into rows: BufferPart
  ) {
    check(grid, map, channels, outputs, rows)
    var windows = grid.grid
    layers.gather_windows(
      &windows, map.base, channels.lowerBound, channels.count, outputs.lowerBound,
      outputs.upperBound, rows.base)
  }

  /// Adds rows such as `gatherWindows` makes to the pixels that they are of.
  package func scatterWindows(
    _ grid: WindowGrid, _ rows: BufferPart, channels: Range<Int>, outputs: Range<Int>,
    addingTo map: BufferPart
  ) {
    check(grid, map, channels, outputs, rows)
    var windows = grid.grid
    layers.scatter_windows(
      &windows, rows.base, channels.lowerBound, channels.count, outputs.lowerBound,
      outputs.upperBound, map.base)
  }

  private func check(
    _ grid: WindowGrid, _ map: BufferPart, _ channels: Range<Int>, _ outputs: Range<Int>,
    _ rows: BufferPart
  ) {
    precondition(map.count == grid.inputCount, "a map of another size")
    precondition(
      channels.lowerBound >= 0 && channels.upperBound <= grid.channels, "no such channels")
    precondition(
      outputs.lowerBound >= 0 && outputs.upperBound <= grid.output.area, "no such outputs")
    precondition(
      rows.count >= outputs.count * grid.kernelSize.area * channels.count, "no room for the rows")
  }

  /// The largest number of each window, the first of several, and its pixel.
  ///
  /// - Parameter places: as many 32-bit integers as there are outputs.
  package func maxPool(
    _ grid: WindowGrid, _ map: BufferPart, into output: BufferPart, places: BufferPart
  ) {
    check(grid, map, output, places)
    var windows = grid.grid
    layers.max_pool(&windows, map.base, output.base, places.integers)
  }

  /// Makes the map's gradient of the output's; the map's is zero before.
  package func maxPoolGradient(
    _ grid: WindowGrid, _ outputGradient: BufferPart, places: BufferPart,
    addingTo gradient: BufferPart
  ) {
    check(grid, gradient, outputGradient, places)
    var windows = grid.grid
    layers.max_pool_gradient(&windows, outputGradient.base, places.integers, gradient.base)
  }

  /// The sum of each window, divided by its places in the map with its padding, as Caffe counts them.
  package func averagePool(_ grid: WindowGrid, _ map: BufferPart, into output: BufferPart) {
    check(grid, map, output, output)
    var windows = grid.grid
    layers.average_pool(&windows, map.base, output.base)
  }

  package func averagePoolGradient(
    _ grid: WindowGrid, _ outputGradient: BufferPart, addingTo gradient: BufferPart
  ) {
    check(grid, gradient, outputGradient, outputGradient)
    var windows = grid.grid
    layers.average_pool_gradient(&windows, outputGradient.base, gradient.base)
  }

  private func check(
    _ grid: WindowGrid, _ map: BufferPart, _ output: BufferPart, _ places: BufferPart
  ) {
    precondition(
      map.count == grid.inputCount && output.count == grid.outputCount
        && places.count == grid.outputCount, "maps of another size")
    precondition(grid.dilation == 1, "windows of pooling have no holes")
  }
}

extension BufferPart {
  /// The same memory as integers of 32 bits.
  fileprivate var integers: UnsafeMutablePointer<Int32> {
    UnsafeMutableRawPointer(base).assumingMemoryBound(to: Int32.self)
  }
}
