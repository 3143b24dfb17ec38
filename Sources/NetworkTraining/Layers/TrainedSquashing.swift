internal import Glibc
internal import Tensors

/// The hyperbolic tangent or the sigmoid, in place; their slopes follow from what they make.
final class TrainedSquashing: TrainedLayer {
  enum Function { case hyperbolicTangent, sigmoid }

  let name: String
  let inputCount: Int
  private let function: Function

  init(name: String, _ function: Function, count: Int) {
    (self.name, self.function, inputCount) = (name, function, count)
  }

  var outputCount: Int { inputCount }
  var isInPlace: Bool { true }
  var keepsOutput: Bool { true }

  func forward(
    _ images: ImageSet, _ input: FloatBuffer, into output: FloatBuffer, _ machine: Machine
  ) {
    machine.team.forEach(images.count) { image, _ in
      output.withMutableSpan(self.output(image, output).range) { values in
        for i in values.indices {
          let x = Double(values[i])
          values[i] = Float(function == .sigmoid ? 1 / (1 + exp(-x)) : tanh(x))
        }
      }
    }
  }

  func backward(
    _ images: ImageSet, input: FloatBuffer, output: FloatBuffer, outputGradient: FloatBuffer,
    into inputGradient: FloatBuffer?, _ machine: Machine
  ) {
    machine.team.forEach(images.count) { image, _ in
      let range = self.output(image, output).range
      output.withSpan(range) { values in
        outputGradient.withMutableSpan(range) { gradients in
          for i in gradients.indices {
            let y = values[i]
            gradients[i] *= function == .sigmoid ? y * (1 - y) : 1 - y * y
          }
        }
      }
    }
  }
}
