internal import Tensors

/// Dropout as Caffe has it: activations are left out in training and the others divided by the share
/// that is kept; in place.
///
/// What is left out is drawn from the image's stream alone, and drawn anew on the way back.
final class TrainedDropout: TrainedLayer {
  let name: String
  let inputCount: Int
  private let mask: DropoutMask
  private let seed: UInt64

  /// - Parameter seed: of this layer's own.
  init(name: String, ratio: Double, seed: UInt64, count: Int) {
    (self.name, self.seed, inputCount) = (name, seed, count)
    mask = DropoutMask(probability: ratio)
  }

  var outputCount: Int { inputCount }
  var isInPlace: Bool { true }

  func forward(
    _ images: ImageSet, _ input: FloatBuffer, into output: FloatBuffer, _ machine: Machine
  ) {
    if images.isTraining { apply(images, to: output, machine) }
  }

  func backward(
    _ images: ImageSet, input: FloatBuffer, output: FloatBuffer, outputGradient: FloatBuffer,
    into inputGradient: FloatBuffer?, _ machine: Machine
  ) {
    if images.isTraining { apply(images, to: outputGradient, machine) }
  }

  private func apply(_ images: ImageSet, to buffer: FloatBuffer, _ machine: Machine) {
    machine.team.forEach(images.count) { image, _ in
      var generator = SeededGenerator(seed: seed, stream: images.streams[image])
      let part = output(image, buffer)
      var kept = [Float]()
      kept.reserveCapacity(part.count)
      buffer.withSpan(part.range) { mask.append($0, times: 1, &generator, to: &kept) }
      part.set(kept)
    }
  }
}
