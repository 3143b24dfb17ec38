internal import Tensors

/// Local response normalization across channels; its sums are kept for the way back.
final class TrainedNormalization: TrainedLayer {
  let name: String
  let inputCount: Int
  private let layer: LayerKernels.Normalization
  private let sums: FloatBuffer

  /// - Parameter capacity: images at a time, at most.
  init(name: String, _ layer: LayerKernels.Normalization, count: Int, capacity: Int) {
    (self.name, self.layer, inputCount) = (name, layer, count)
    sums = FloatBuffer(count: capacity * count)
  }

  var outputCount: Int { inputCount }
  var keepsOutput: Bool { true }

  func forward(
    _ images: ImageSet, _ input: FloatBuffer, into output: FloatBuffer, _ machine: Machine
  ) {
    let (kernels, workspaces) = (machine.kernels, machine.workspaces)
    machine.team.forEach(images.count) { image, worker in
      kernels.normalize(
        layer, self.input(image, input), into: self.output(image, output),
        z: self.output(image, sums), scratch: workspaces[worker].part(.scratch, layer.scratchCount))
    }
  }

  func backward(
    _ images: ImageSet, input: FloatBuffer, output: FloatBuffer, outputGradient: FloatBuffer,
    into inputGradient: FloatBuffer?, _ machine: Machine
  ) {
    guard let inputGradient else { return }
    let (kernels, workspaces) = (machine.kernels, machine.workspaces)
    machine.team.forEach(images.count) { image, worker in
      kernels.normalizeGradient(
        layer, self.input(image, input), self.output(image, output), z: self.output(image, sums),
        self.output(image, outputGradient), into: self.input(image, inputGradient),
        scratch: workspaces[worker].part(.scratch, layer.scratchCount))
    }
  }
}
