internal import Tensors

/// Images that go through a layer together, on one rank.
struct ImageSet: Sendable {
  /// Images that the buffers hold.
  var count: Int
  /// For each image the number of the stream that its random draws come from.
  var streams: [UInt64]
  /// The images of each block, of 16 of the batch, that are among them.
  var blocks: [Range<Int>]
  /// Blocks of the whole batch.
  var blockCount: Int
  /// Every rank has all images, so that sums over them are complete.
  var isWholeBatch: Bool
  /// Dropout does something.
  var isTraining: Bool
}

/// A layer as training computes it: forward, and backward from the gradient of what it makes.
///
/// Maps lie one after the other, `height×width×channels`; rows have a number an output. Layers that
/// work in place get the same buffer for input and output, and for both gradients.
protocol TrainedLayer: AnyObject, Sendable {
  var name: String { get }
  /// Numbers of an image, read and made.
  var inputCount: Int { get }
  var outputCount: Int { get }
  var isInPlace: Bool { get }
  /// The way back needs the outputs as the layer made them: the next must not work in place.
  var keepsOutput: Bool { get }
  var parameters: [TrainedParameter] { get }
  /// Gradients of parameters that `backward` leaves block by block, to be summed over all blocks.
  var blockTerms: [BlockTerms] { get }

  /// Called on every rank when numbers have changed, before the next `forward`.
  func prepare(_ machine: Machine)

  /// Makes the outputs. Collective for layers whose numbers ranks share out.
  func forward(
    _ images: ImageSet, _ input: FloatBuffer, into output: FloatBuffer, _ machine: Machine) throws

  /// Makes the gradients of the parameters that are learned, or their blocks' terms, and of the input.
  ///
  /// Collective for layers whose numbers ranks share out.
  ///
  /// - Parameter inputGradient: nil when nobody wants it.
  func backward(
    _ images: ImageSet, input: FloatBuffer, output: FloatBuffer, outputGradient: FloatBuffer,
    into inputGradient: FloatBuffer?, _ machine: Machine) throws
}

extension TrainedLayer {
  var isInPlace: Bool { false }
  var keepsOutput: Bool { false }
  var parameters: [TrainedParameter] { [] }
  var blockTerms: [BlockTerms] { [] }
  func prepare(_ machine: Machine) {}
  var learns: Bool { parameters.contains(where: \.isLearned) }

  /// An image's numbers in a buffer.
  func input(_ image: Int, _ buffer: FloatBuffer) -> BufferPart {
    BufferPart(buffer, at: image * inputCount, count: inputCount)
  }

  func output(_ image: Int, _ buffer: FloatBuffer) -> BufferPart {
    BufferPart(buffer, at: image * outputCount, count: outputCount)
  }
}
