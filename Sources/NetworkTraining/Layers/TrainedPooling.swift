internal import Tensors

/// Pooling; of a largest number the pixel it was at is remembered, the first of several.
final class TrainedPooling: TrainedLayer {
  let name: String
  private let grid: WindowGrid
  /// Pixels of the largest numbers, 32-bit integers; nil for means.
  private let places: FloatBuffer?

  /// - Parameter capacity: images at a time, at most.
  init(name: String, grid: WindowGrid, isMaximum: Bool, capacity: Int) {
    (self.name, self.grid) = (name, grid)
    places = isMaximum ? FloatBuffer(count: capacity * grid.outputCount) : nil
  }

  var inputCount: Int { grid.inputCount }
  var outputCount: Int { grid.outputCount }

  func forward(
    _ images: ImageSet, _ input: FloatBuffer, into output: FloatBuffer, _ machine: Machine
  ) {
    let kernels = machine.kernels
    machine.team.forEach(images.count) { image, _ in
      if let places {
        kernels.maxPool(
          grid, self.input(image, input), into: self.output(image, output),
          places: self.output(image, places))
      } else {
        kernels.averagePool(grid, self.input(image, input), into: self.output(image, output))
      }
    }
  }

  func backward(
    _ images: ImageSet, input: FloatBuffer, output: FloatBuffer, outputGradient: FloatBuffer,
    into inputGradient: FloatBuffer?, _ machine: Machine
  ) {
    guard let inputGradient else { return }
    let kernels = machine.kernels
    machine.team.forEach(images.count) { image, _ in
      let gradient = self.input(image, inputGradient)
      gradient.clear()
      let made = self.output(image, outputGradient)
      if let places {
        kernels.maxPoolGradient(
          grid, made, places: self.output(image, places), addingTo: gradient)
      } else {
        kernels.averagePoolGradient(grid, made, addingTo: gradient)
      }
    }
  }
}
