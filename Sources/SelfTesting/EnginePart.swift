internal import ConvNet
internal import Files
internal import Images
internal import Presets
internal import Tensors

/// Computes activations by seeded weights: CaffeNet's convolutions, and all of a small network.
struct EnginePart {
  let team: ThreadTeam

  /// Two digests a kernel class, two more where the processor multiplies in bfloat16.
  func run(_ images: [SelfTestImage]) throws -> [SelfTestDigest] {
    let maps = try Model.generate(architecture: .caffenet, seed: 1, through: "conv5")
    let network = try Architecture(
      parsing: Array(Presets.selfTestNetwork.utf8), source: "Configs/selftest/network.prototxt")
    let small = try Model.generate(architecture: network, seed: 2)
    var digests: [SelfTestDigest] = []
    for kernelClass in KernelClass.supported {
      for precision in Precision.allCases where (try? precision.requireAvailable()) != nil {
        let remark = precision == .fp32 ? "" : " \(precision.rawValue)"
        for (name, model) in [("caffenet", maps), ("small network", small)] {
          digests.append(
            SelfTestDigest(
              "engine \(name)\(remark)", kernels: kernelClass.rawValue,
              try hash(model, images, kernelClass, precision)))
        }
      }
    }
    return digests
  }

  /// All activations of a batch.
  private func hash(
    _ model: Model, _ images: [SelfTestImage], _ kernelClass: KernelClass, _ precision: Precision
  ) throws -> SHA256Digest.Hasher {
    let engine = try Engine(
      model: model, outputs: model.reachableBlobs, capacity: images.count, precision: precision,
      team: team, kernelClass: kernelClass)
    var transform = try InputTransform.named("caffe")
    transform.crop = try model.imageSide()
    let writer = InputWriter(
      transform, views: .center, mode: .exact, kernels: NetworkKernels(kernelClass))
    for (index, image) in images.enumerated() {
      _ = try writer.write(image.bytes, box: nil) { _ in engine.input(index) }
    }
    engine.run(count: images.count)
    var hasher = SHA256Digest.Hasher()
    for (output, blob) in engine.outputs.enumerated() {
      hasher.update(Array("\(blob)\n".utf8))
      for index in images.indices { hasher.update(engine.row(output, image: index)) }
    }
    return hasher
  }
}
