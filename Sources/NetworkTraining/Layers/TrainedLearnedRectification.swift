internal import Tensors

/// Rectification whose slopes, of each channel or one for all, are learned (He et al. 2015).
final class TrainedLearnedRectification: TrainedLayer {
  let name: String
  let inputCount: Int
  let parameters: [TrainedParameter]
  private let channels: Int
  private let blockSlopes: FloatBuffer

  init(
    name: String, isShared: Bool, channels: Int, count: Int, rates: ParameterRates?,
    blockCapacity: Int
  ) {
    (self.name, self.channels, inputCount) = (name, channels, count)
    let slopes = isShared ? 1 : channels
    parameters = [TrainedParameter(layer: name, name: "weight", shape: [slopes], rates: rates)]
    blockSlopes = FloatBuffer(count: slopes * blockCapacity)
  }

  var outputCount: Int { inputCount }
  private var slopes: TrainedParameter { parameters[0] }
  var blockTerms: [BlockTerms] {
    slopes.isLearned ? [BlockTerms(terms: blockSlopes, sums: slopes.gradient)] : []
  }

  func forward(
    _ images: ImageSet, _ input: FloatBuffer, into output: FloatBuffer, _ machine: Machine
  ) {
    let slopes = slopes.values.floats(0..<slopes.count)
    machine.team.forEach(images.count) { image, _ in
      let values = self.input(image, input).floats
      self.output(image, output).set(
        values.indices.map { i in
          values[i] < 0 ? slopes[slopes.count == 1 ? 0 : i % channels] * values[i] : values[i]
        })
    }
  }

  func backward(
    _ images: ImageSet, input: FloatBuffer, output: FloatBuffer, outputGradient: FloatBuffer,
    into inputGradient: FloatBuffer?, _ machine: Machine
  ) {
    if slopes.isLearned {
      machine.team.forEach(images.blocks.count) { block, _ in
        sumSlopes(block, images.blocks[block], input, outputGradient)
      }
    }
    guard let inputGradient else { return }
    let slopes = slopes.values.floats(0..<slopes.count)
    machine.team.forEach(images.count) { image, _ in
      let values = self.input(image, input).floats
      let gradients = self.output(image, outputGradient).floats
      self.input(image, inputGradient).set(
        values.indices.map { i in
          values[i] > 0
            ? gradients[i] : slopes[slopes.count == 1 ? 0 : i % channels] * gradients[i]
        })
    }
  }

  /// A block's gradient: the sum of input times gradient where the input is below zero.
  private func sumSlopes(
    _ block: Int, _ images: Range<Int>, _ input: FloatBuffer, _ outputGradient: FloatBuffer
  ) {
    let count = slopes.count
    var sums = [Double](repeating: 0, count: count)
    for image in images {
      let values = self.input(image, input).floats
      let gradients = self.output(image, outputGradient).floats
      for i in values.indices where values[i] < 0 {
        sums[count == 1 ? 0 : i % channels] += Double(values[i]) * Double(gradients[i])
      }
    }
    BufferPart(blockSlopes, at: block * count, count: count).set(sums.map { Float($0) })
  }
}
