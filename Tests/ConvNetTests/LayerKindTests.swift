import Formats
import Tensors
import TestSupport
import Testing

@testable import ConvNet

/// Every kind of layer in a network, against its slow twin.
@Suite struct LayerKindTests {
  /// A network as a file describes it.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let input: [Int]
    let layers: String
    var testDescription: String { name }
  }

  /// A line a layer: name, type, settings; `=` before a name works in place.
  private static func text(_ it: Case) -> String {
    var bottom = "data"
    let dimensions = it.input.map { "dim: \($0)" }.joined(separator: " ")
    var text = "name: \"\(it.name)\" input: \"data\" input_shape { dim: 1 \(dimensions) }\n"
    for line in it.layers.split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true)
      let isInPlace = words[0].hasPrefix("=")
      let name = isInPlace ? String(words[0].dropFirst()) : String(words[0])
      let top = isInPlace ? bottom : name
      text += "layer { name: \"\(name)\" type: \"\(words[1])\" bottom: \"\(bottom)\" "
      text += "top: \"\(top)\" \(words.count > 2 ? String(words[2]) : "") }\n"
      bottom = top
    }
    return text
  }

  private static func convolution(_ settings: String) -> String {
    "Convolution convolution_param { \(settings) }"
  }

  static let cases = [
    Case(
      name: "convolutions", input: [3, 41, 37],
      layers: """
        c1 \(convolution("num_output: 12 kernel_size: 7 stride: 2 pad: 1"))
        =r1 ReLU
        c2 \(convolution("num_output: 18 kernel_size: 3 pad: 2 dilation: 2 group: 3 bias_term: false"))
        c3 \(convolution("num_output: 16 kernel_h: 1 kernel_w: 5 stride_h: 1 stride_w: 2 pad_h: 0 pad_w: 2"))
        =r3 ReLU relu_param { negative_slope: 0.1 }
        c4 \(convolution("num_output: 9 kernel_size: 3 kernel_size: 2"))
        fc InnerProduct inner_product_param { num_output: 7 bias_term: false }
        """),
    Case(
      name: "folded", input: [3, 33, 31],
      layers: """
        c1 \(convolution("num_output: 20 kernel_size: 5 stride: 2 pad: 2 bias_term: false"))
        bn1 BatchNorm
        =s1 Scale scale_param { bias_term: true }
        =r1 ReLU
        c2 \(convolution("num_output: 32 kernel_size: 3 pad: 1"))
        =bn2 BatchNorm batch_norm_param { use_global_stats: true eps: 0.001 }
        =s2 Scale
        =p2 PReLU
        c3 \(convolution("num_output: 8 kernel_size: 1"))
        bn3 BatchNorm
        s3 Scale scale_param { bias_term: true }
        """),
    Case(
      name: "minimal filtering", input: [3, 92, 92],
      layers: """
        c1 \(convolution("num_output: 112 kernel_size: 11 stride: 4 pad: 2"))
        r1 ReLU
        c2 \(convolution("num_output: 64 kernel_size: 3 pad: 1"))
        bn2 BatchNorm
        =r2 ReLU
        c3 \(convolution("num_output: 24 kernel_size: 5 pad: 2"))
        """),
    Case(
      name: "a convolution a channel", input: [3, 30, 28],
      layers: """
        c1 \(convolution("num_output: 24 kernel_size: 3 stride: 2 pad: 1 bias_term: false"))
        c1/bn BatchNorm
        =c1/scale Scale scale_param { bias_term: true }
        =r1 ReLU
        c2/dw \(convolution("num_output: 24 kernel_size: 3 pad: 1 group: 24 bias_term: false"))
        =c2/dw/bn BatchNorm
        =c2/dw/scale Scale scale_param { bias_term: true }
        =r2 ReLU
        c2/sep \(convolution("num_output: 40 kernel_size: 1"))
        """),
    Case(
      name: "pooling", input: [5, 29, 27],
      layers: """
        p1 Pooling pooling_param { pool: MAX kernel_size: 3 stride: 2 pad: 1 }
        p2 Pooling pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }
        p3 Pooling pooling_param { pool: MAX kernel_h: 2 kernel_w: 3 stride: 1 round_mode: FLOOR }
        p4 Pooling pooling_param { pool: AVE kernel_size: 2 stride: 2 }
        p5 Pooling pooling_param { pool: AVE global_pooling: true }
        prob Softmax
        """),
    Case(
      name: "normalization", input: [21, 7, 6],
      layers: """
        n1 LRN lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 k: 2 }
        n2 LRN lrn_param { local_size: 9 alpha: 0.3 beta: 0.5 }
        n3 LRN lrn_param { local_size: 7 alpha: 0.3 }
        n4 LRN lrn_param { local_size: 1 alpha: 2 }
        prob Softmax
        """),
    Case(
      name: "activations", input: [6, 9, 8],
      layers: """
        bn0 BatchNorm
        c1 \(convolution("num_output: 11 kernel_size: 3"))
        =t1 TanH
        d1 Dropout dropout_param { dropout_ratio: 0.3 }
        c2 \(convolution("num_output: 10 kernel_size: 3"))
        t2 Sigmoid
        s2 Scale
        pr2 PReLU prelu_param { channel_shared: true }
        flat Flatten
        bn3 BatchNorm
        =r3 ReLU
        fc InnerProduct inner_product_param { num_output: 13 }
        =p4 PReLU
        fc2 InnerProduct inner_product_param { num_output: 5 }
        t5 TanH
        prob Softmax
        """),
    // Whatever makes the map that a convolution reads, or changes it in its place, makes room for padding.
    Case(
      name: "before padding", input: [3, 17, 15],
      layers: """
        n0 LRN lrn_param { local_size: 3 beta: 0.5 }
        c1 \(convolution("num_output: 8 kernel_size: 5 pad: 2"))
        n1 LRN lrn_param { local_size: 5 alpha: 0.2 beta: 1 }
        c2 \(convolution("num_output: 8 kernel_size: 5 pad: 3"))
        n2 LRN lrn_param { local_size: 5 alpha: 0.2 }
        n3 LRN lrn_param { local_size: 3 alpha: 0.1 beta: 0.6 }
        =d3 Dropout
        c3 \(convolution("num_output: 8 kernel_size: 3 pad: 2 dilation: 2"))
        t3 TanH
        bn3 BatchNorm
        c4 \(convolution("num_output: 6 kernel_size: 4 pad: 3 stride: 2"))
        =s4 Sigmoid
        sc4 Scale
        pr4 PReLU
        p4 Pooling pooling_param { pool: AVE kernel_size: 3 pad: 1 stride: 1 }
        =l4 ReLU relu_param { negative_slope: 0.2 }
        c5 \(convolution("num_output: 6 kernel_size: 3 pad: 1"))
        """),
    Case(
      name: "first", input: [4, 6, 5],
      layers: """
        r0 ReLU relu_param { negative_slope: 0.25 }
        p1 Pooling pooling_param { kernel_size: 2 }
        """),
  ]

  private static func network(_ it: Case) throws -> Network {
    let definition = try NetworkText(Array(text(it).utf8), source: it.name).definition
    return try Network(definition, parameters: SlowNetwork.parameters(of: definition))
  }

  /// All activations together and each alone, in the first, the last and the only place of a batch, in
  /// one thread and two: within rounding of the twin, and the same bits.
  @Test(arguments: cases)
  func activationsAgreeWithTheTwin(_ it: Case) throws {
    let network = try Self.network(it)
    let count = it.input.reduce(1, *)
    let images = (0..<3).map { SlowKernels.random(count, seed: $0, in: -2...2) }
    let expected = SlowNetwork.blobs(network, images[2])
    for kernelClass in KernelClass.supported {
      func rows(_ outputs: [BlobName], _ images: [[Float]], threads: Int) -> [[Float]] {
        let engine = Engine(
          network: network, outputs: outputs, capacity: images.count,
          kernels: EngineKernels(kernelClass), team: ThreadTeam(threadCount: threads))
        for (number, image) in images.enumerated() { engine.setInput(number, image) }
        engine.run(count: images.count)
        return outputs.indices.map { engine.row($0, image: images.count - 1) }
      }
      let blobs = network.definition.blobs
      let together = rows(blobs, images, threads: 2)
      for (blob, row) in zip(blobs, together) {
        let wanted = try #require(expected[blob])
        try #require(row.count == wanted.count)
        let largest = wanted.map(abs).max()!
        // Both sides round every sum's terms, in other ways; a tenth of what the design allows. Minimal
        // filtering of 5 × 5 errs most: see `WinogradConvolutionTests`.
        let tolerance: Float = it.name == "minimal filtering" ? 2e-5 : 1e-5
        let difference = zip(row, wanted).map { abs($0 - $1) }.max()!
        #expect(largest > 0 && difference <= tolerance * largest, "\(blob), \(kernelClass)")
        #expect(rows([blob], [images[2]], threads: 2)[0] == row, "\(blob) alone, \(kernelClass)")
        #expect(rows([blob], [images[2]], threads: 1)[0] == row, "\(blob), one thread")
      }
    }
  }

  /// Another float than the twin's would be of another class.
  @Test(arguments: cases)
  func fusedClassesAgreeBitForBit(_ it: Case) throws {
    let network = try Self.network(it)
    let image = SlowKernels.random(it.input.reduce(1, *), seed: 4, in: -2...2)
    let results = KernelClass.supported.filter { $0 != .baseline }.map { kernelClass in
      let engine = Engine(
        network: network, outputs: network.definition.blobs, capacity: 1,
        kernels: EngineKernels(kernelClass), team: ThreadTeam(threadCount: 1))
      engine.setInput(0, image)
      engine.run(count: 1)
      return engine.outputs.indices.map { engine.row($0, image: 0) }
    }
    #expect(results.allSatisfy { $0 == results.first })
  }

  /// Where a matrix unit does not fit a layer, the float kernels compute it.
  @Test(arguments: [cases[0], cases[1], cases[5]])
  func reducedPrecisionComesClose(_ it: Case) throws {
    let network = try Self.network(it)
    let image = SlowKernels.random(it.input.reduce(1, *), seed: 5, in: -2...2)
    let expected = SlowNetwork.blobs(network, image)
    let engine = Engine(
      network: network, outputs: network.definition.blobs, capacity: 1,
      kernels: EngineKernels(.baseline, bfloat16: .emulated), team: ThreadTeam(threadCount: 1))
    engine.setInput(0, image)
    engine.run(count: 1)
    for (number, blob) in engine.outputs.enumerated() {
      let wanted = expected[blob]!
      let largest = wanted.map(abs).max()!
      let difference = zip(engine.row(number, image: 0), wanted).map { abs($0 - $1) }.max()!
      // Numbers of 8 bits: 0.4 % of a factor, more where sums cancel.
      #expect(difference <= 3e-2 * largest, "\(blob)")
    }
  }

  @Test func blobsHaveTheNamesThatCaffeGivesThem() throws {
    let blobs = try Self.network(Self.cases[1]).definition.blobs.map(\.description)
    #expect(
      blobs == ["data", "c1", "bn1:pre", "bn1", "c2:pre", "c2", "c3", "bn3", "s3"])
  }
}
