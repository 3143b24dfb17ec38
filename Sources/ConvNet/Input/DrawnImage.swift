package import Images
internal import Tensors

/// An image made by rule, the same on every machine: something to compute activations of without a file.
package enum DrawnImage {
  private static let (width, height) = (320, 240)

  /// Slopes of three colours, a chequered pattern, discs and noise: edges, hues and textures in one.
  package static func make() -> RGBImage {
    var generator = SeededGenerator(seed: 1)
    var pixels = [UInt8]()
    pixels.reserveCapacity(3 * width * height)
    for y in 0..<height {
      for x in 0..<width {
        let slopes = [255 * x / width, 255 * y / height, 255 - 255 * (x + y) / (width + height)]
        let square = (x / 24 + y / 24) % 2 == 0 ? 40 : -40
        let (dx, dy) = (x % 96 - 48, y % 80 - 40)
        let disc = dx * dx + dy * dy < 500 ? 70 : 0
        for (channel, slope) in slopes.enumerated() {
          let noise = Int(generator.next() >> 60) - 8
          let sign = channel == (x / 96 + y / 80) % 3 ? 1 : -1
          pixels.append(UInt8(min(255, max(0, slope / 2 + 64 + square + sign * disc + noise))))
        }
      }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }
}

extension Model {
  /// The network's input of the drawn image, C×H×W, by the transform that goes with the weights, else
  /// `caffe`; of a network that reads no images seeded numbers.
  ///
  /// - Throws: `InputTransformError`, `KernelError`.
  package func drawnInput() throws -> (values: [Float], source: String) {
    let shape = definition.inputShape
    guard let side = try? imageSide() else {
      var generator = SeededGenerator(seed: 1)
      return ((0..<shape.count).map { _ in 100 * generator.normal() }, "seeded numbers")
    }
    let transform =
      try ownTransform() ?? InputTransform.named("caffe").cropping(to: side)
    guard transform.inputHeight == side, transform.inputWidth == side else {
      throw ModelError.noImages(network: architecture.rawValue, input: shape)
    }
    let place = ImagePlace(FeatureMap(transform.inputLayout))
    // One kernel class for the input: what differs between classes is then the network's doing.
    InputWriter(
      transform, views: .center, mode: .exact, kernels: NetworkKernels(.baseline)
    ).write(DrawnImage.make()) { _ in place }
    let buffer = FloatBuffer(count: shape.count)
    place.copyChannelsFirst(to: buffer, at: 0)
    return (buffer.floats(0..<shape.count), "the drawn image, transform “\(transform.name)”")
  }
}
