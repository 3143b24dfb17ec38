internal import ConvNet
internal import Files
internal import Images
internal import Tensors

/// Makes a network's input of every image, by every transform that has a name.
enum TransformPart {
  /// A digest a transform and kernel class: of the ten views' values, C×H×W.
  static func run(_ images: [SelfTestImage]) throws -> [SelfTestDigest] {
    var digests: [SelfTestDigest] = []
    for name in InputTransform.presetNames {
      let transform = try InputTransform.named(name)
      for kernelClass in KernelClass.supported {
        digests.append(
          SelfTestDigest(
            "transform \(name)", kernels: kernelClass.rawValue,
            try hash(images, transform, NetworkKernels(kernelClass))))
      }
    }
    return digests
  }

  private static func hash(
    _ images: [SelfTestImage], _ transform: InputTransform, _ kernels: NetworkKernels
  ) throws -> SHA256Digest.Hasher {
    let writer = InputWriter(transform, views: .ten, mode: .exact, kernels: kernels)
    let layout = transform.inputLayout
    let places = (0..<Views.ten.count).map { _ in ImagePlace(FeatureMap(layout)) }
    let values = FloatBuffer(count: layout.activationCount)
    var hasher = SHA256Digest.Hasher()
    for image in images {
      _ = try writer.write(image.bytes, box: nil) { places[$0] }
      for place in places {
        place.copyChannelsFirst(to: values, at: 0)
        hasher.update((0..<values.count).map { values[$0] })
      }
    }
    return hasher
  }
}
