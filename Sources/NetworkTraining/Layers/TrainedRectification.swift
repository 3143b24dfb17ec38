internal import Tensors

/// Rectification with one slope, not below zero, of numbers below zero; in place, for the sign of what
/// it makes tells that of what it read.
final class TrainedRectification: TrainedLayer {
  let name: String
  let inputCount: Int
  private let slope: Float

  init(name: String, slope: Float, count: Int) {
    precondition(slope >= 0, "the sign of the input would be lost")
    (self.name, self.slope, inputCount) = (name, slope, count)
  }

  var outputCount: Int { inputCount }
  var isInPlace: Bool { true }

  func forward(
    _ images: ImageSet, _ input: FloatBuffer, into output: FloatBuffer, _ machine: Machine
  ) {
    let kernels = machine.kernels
    machine.team.forEach(images.count) { image, _ in
      kernels.rectify(self.input(image, input), slope: slope)
    }
  }

  func backward(
    _ images: ImageSet, input: FloatBuffer, output: FloatBuffer, outputGradient: FloatBuffer,
    into inputGradient: FloatBuffer?, _ machine: Machine
  ) {
    let kernels = machine.kernels
    machine.team.forEach(images.count) { image, _ in
      kernels.rectifyGradient(
        self.output(image, outputGradient), output: self.output(image, output), slope: slope)
    }
  }
}
