import ConvNet
import Tensors
import TestSupport
import Testing

@testable import NetworkTraining

/// Gradients: of the slow twin against central differences, of training against the twin.
@Suite struct GradientTests {
  static let names = SmallNetworks.all.keys.sorted()

  /// Double precision, steps of 1e-5: of a smooth function the difference is 1e-10 off by the third
  /// derivative and 1e-11 by rounding; 1e-6 of the largest leaves room for large third derivatives.
  @Test(arguments: names) func twinAgreesWithCentralDifferences(_ name: String) throws {
    let setup = try TrainedSetup(SmallNetworks.all[name]!, images: 2)
    var twin = setup.twin
    var images = setup.images.map { $0.map(Double.init) }
    let found = twin.gradients(images, labels: setup.labels)
    let step = 1e-5
    for (layer, parts) in found.parameters {
      for (part, gradient) in parts.enumerated() {
        let largest = gradient.map(abs).max()!
        for i in stride(from: 0, to: gradient.count, by: max(1, gradient.count / 23)) {
          let value = twin.parameters[layer]![part][i]
          twin.parameters[layer]![part][i] = value + step
          let above = twin.loss(images, labels: setup.labels)
          twin.parameters[layer]![part][i] = value - step
          let below = twin.loss(images, labels: setup.labels)
          twin.parameters[layer]![part][i] = value
          let expected = (above - below) / (2 * step)
          #expect(
            abs(gradient[i] - expected) <= 1e-6 * largest + 1e-10, "\(layer) \(part) \(i)")
        }
      }
    }
    let largest = found.images[1].map(abs).max()!
    for i in stride(from: 0, to: images[1].count, by: 17) {
      let value = images[1][i]
      images[1][i] = value + step
      let above = twin.loss(images, labels: setup.labels)
      images[1][i] = value - step
      let below = twin.loss(images, labels: setup.labels)
      images[1][i] = value
      let expected = (above - below) / (2 * step)
      #expect(abs(found.images[1][i] - expected) <= 1e-6 * largest + 1e-10, "input \(i)")
    }
  }

  /// Single precision against double: sums of a few hundred terms, each rounded to 6e-8.
  @Test(arguments: names, KernelClass.supported)
  func gradientsAgreeWithTheTwin(_ name: String, kernelClass: KernelClass) throws {
    let setup = try TrainedSetup(SmallNetworks.all[name]!, images: 19)
    let found = try setup.learn(ranks: 1, threads: 2, kernelClass: kernelClass)
    let expected = setup.twin.gradients(
      setup.images.map { $0.map(Double.init) }, labels: setup.labels)
    #expect(abs(found.loss / 19 - expected.loss) <= 2e-6 * expected.loss)
    for (layer, parts) in expected.parameters {
      for (part, gradient) in parts.enumerated() {
        let name = "\(layer).\(part == 0 ? "weight" : "bias")"
        let values = try #require(found.gradients[name])
        try #require(values.count == gradient.count)
        let largest = gradient.map(abs).max()!
        let difference = zip(values, gradient).map { abs(Double($0) - $1) }.max()!
        #expect(difference <= 5e-6 * largest, "\(name): \(difference / largest)")
      }
    }
  }

  /// Layers large enough for minimal filtering, whose rounding errors are ten times those of plain
  /// products: forward, and backward with turned filters.
  @Test(arguments: KernelClass.supported) func filteredLayersAgreeWithTheTwin(
    kernelClass: KernelClass
  ) throws {
    let text = SmallNetworks.network(
      "112 13 13",
      "conv1 Convolution convolution_param { num_output: 128 kernel_size: 3 pad: 1 }", "relu1 ReLU",
      "conv2 Convolution convolution_param { num_output: 224 kernel_size: 3 pad: 1 group: 2 }",
      "relu2 ReLU", "pool2 Pooling pooling_param { pool: AVE global_pooling: true }",
      "fc3 InnerProduct inner_product_param { num_output: 3 }")
    let setup = try TrainedSetup(text, images: 2)
    for layer in setup.plan.definition.layers {
      guard case .convolution(let shape) = layer.operation else { continue }
      let kernels = NetworkKernels(kernelClass)
      #expect(FilteredConvolution(forward: shape, 13, threads: 1, kernels: kernels) != nil)
      #expect(FilteredConvolution(backward: shape, 13, threads: 1, kernels: kernels) != nil)
    }
    let found = try setup.learn(ranks: 1, threads: 2, kernelClass: kernelClass)
    let expected = setup.twin.gradients(
      setup.images.map { $0.map(Double.init) }, labels: setup.labels)
    #expect(abs(found.loss / 2 - expected.loss) <= 2e-5 * expected.loss)
    for (layer, parts) in expected.parameters {
      for (part, gradient) in parts.enumerated() {
        let values = found.gradients["\(layer).\(part == 0 ? "weight" : "bias")"]!
        let largest = gradient.map(abs).max()!
        let difference = zip(values, gradient).map { abs(Double($0) - $1) }.max()!
        #expect(difference <= 3e-5 * largest, "\(layer) \(part): \(difference / largest)")
      }
    }
    if kernelClass == .supported.last! {
      #expect(try setup.learn(ranks: 2) == setup.learn(ranks: 1, threads: 3))
    }
  }

  /// Of several largest numbers the first gets the gradient, as in Caffe.
  @Test func tiesGoToTheFirst() throws {
    let text = SmallNetworks.network(
      "2 7 6", "pool1 Pooling pooling_param { pool: MAX kernel_size: 3 stride: 2 }",
      "conv2 Convolution convolution_param { num_output: 3 kernel_size: 1 }",
      "pool2 Pooling pooling_param { pool: MAX kernel_size: 2 stride: 1 }",
      "fc3 InnerProduct inner_product_param { num_output: 3 }")
    let setup = try TrainedSetup(text, images: 4, hasTies: true)
    let found = try setup.learn(ranks: 1)
    let expected = setup.twin.gradients(
      setup.images.map { $0.map(Double.init) }, labels: setup.labels)
    for (i, value) in found.gradients["conv2.weight"]!.enumerated() {
      #expect(abs(Double(value) - expected.parameters["conv2"]![0][i]) <= 1e-6)
    }
  }

  /// 37 images are three blocks: fewer than ranks, and one of another size.
  @Test(arguments: names) func ranksAndThreadsDoNotShow(_ name: String) throws {
    let setup = try TrainedSetup(SmallNetworks.all[name]!, images: 37)
    let alone = try setup.learn(ranks: 1)
    for (ranks, threads) in [(1, 3), (2, 1), (3, 2), (5, 1)] {
      let together = try setup.learn(ranks: ranks, threads: threads)
      #expect(together == alone, "\(ranks) ranks, \(threads) threads")
    }
  }
}
