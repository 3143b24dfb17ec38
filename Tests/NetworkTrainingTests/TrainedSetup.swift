import Communication
import ConvNet
import Tensors
import TestSupport

@testable import NetworkTraining

/// A small network with drawn images, as the tests train it.
struct TrainedSetup {
  let plan: NetworkPlan
  let images: [[Float]]
  let labels: [Int]
  let batchSize: Int

  init(_ text: String, images count: Int = 5, seed: UInt64 = 3, hasTies: Bool = false) throws {
    let text = try TrainingText(Array(text.utf8), source: "test.prototxt")
    plan = try NetworkPlan(text, seed: seed)
    let length = plan.definition.inputShape.count
    images = (0..<count).map { image in
      let values = SlowKernels.random(length, seed: seed &+ UInt64(image) &* 77, in: -2...2)
      // Few different numbers make windows in which several are largest.
      return hasTies ? values.map { $0.rounded() } : values
    }
    let classCount = plan.classCount
    labels = (0..<count).map { ($0 * 7 + 1) % classCount }
    batchSize = count
  }

  /// What a rank has after a step's forward and backward pass.
  struct Result: Sendable, Equatable {
    var loss: Double
    var gradients: [String: [Float]]
  }

  /// The loss and all gradients, in the order of files, on rank 0.
  func learn(
    ranks: Int, threads: Int = 1, kernelClass: KernelClass = .supported.last!,
    isTraining: Bool = true
  ) throws -> Result {
    try InProcessCommunicator.run(size: ranks) { communicator in
      let machine = Machine(
        communicator, team: ThreadTeam(threadCount: threads), kernelClass: kernelClass)
      let network = TrainedNetwork(plan, capacity: batchSize, machine)
      initialize(network.parameters)
      for parameter in network.parameters {
        parameter.largest = machine.kernels.largestMagnitude(BufferPart(parameter.values))
      }
      network.prepare()
      let batch = batch(rank: communicator.rank, size: ranks, isTraining: isTraining)
      fill(network, batch)
      try network.computeRows(batch)
      let outcome = try network.learnRows(batch)
      var gradients = [String: [Float]]()
      for parameter in network.parameters where parameter.isLearned {
        var whole = [Float]()
        for slice in parameter.slices {
          whole += try machine.gather(parameter, parameter.gradient, rows: slice)
        }
        gradients["\(parameter.layer).\(parameter.name)"] = whole
      }
      return Result(loss: outcome.loss, gradients: gradients)
    }[0]
  }

  func batch(rank: Int, size: Int, isTraining: Bool = true) -> BatchImages {
    BatchImages(
      labels: labels, streams: labels.indices.map { UInt64($0) }, isTraining: isTraining,
      rank: rank, size: size)
  }

  /// Puts a rank's images into the network, channels innermost.
  func fill(_ network: TrainedNetwork, _ batch: BatchImages) {
    let shape = plan.definition.inputShape
    for (place, number) in batch.own.enumerated() {
      let image = images[number]
      FeatureMap(
        network.input, at: place * shape.count,
        MapLayout(channels: shape.channels, height: shape.height, width: shape.width)
      ).setChannelsFirst(image.span)
    }
  }

  /// The numbers that the network begins with, in the order of files.
  var numbers: [String: [[Float]]] {
    Dictionary(
      uniqueKeysWithValues: plan.definition.layers.filter(\.hasParameters).map { layer in
        (
          layer.name,
          layer.parameterShapes.indices.map { part in
            // Biases that are not zero tell where one is forgotten.
            layer.parameterShapes[part].name == "bias"
              ? SlowKernels.random(layer.parameterShapes[part].shape[0], seed: 9)
              : plan.initialNumbers(layer, part: part)
          }
        )
      })
  }

  func initialize(_ parameters: [TrainedParameter]) {
    let numbers = numbers
    for parameter in parameters {
      let part = parameter.name == "bias" ? 1 : 0
      for slice in parameter.slices
      where parameter.isWhole || parameter.rows.contains(slice.lowerBound) {
        let length = parameter.rowLength
        parameter.set(
          parameter.values, rows: slice,
          Array(
            numbers[parameter.layer]![part][slice.lowerBound * length..<slice.upperBound * length]))
      }
    }
  }

  /// The slow twin of the same network.
  var twin: SlowTraining {
    SlowTraining(
      plan.definition, parameters: numbers.mapValues { $0.map { $0.map(Double.init) } },
      masks: { layer, image in
        guard
          let (number, dropout) = plan.text.dropouts.enumerated().first(where: {
            $0.element.after == layer
          })
        else { return nil }
        let shape = plan.definition.layers.first { $0.name == layer }!.outputShape
        let width = shape.count
        var generator = SeededGenerator(
          seed: plan.seed ^ (0x9E37_79B9_97F4_A7C1 &* UInt64(number + 1)), stream: UInt64(image))
        var mask = [Float]()
        let ones = [Float](repeating: 1, count: width)
        DropoutMask(probability: dropout.ratio).append(
          ones.span, times: 1, &generator, to: &mask)
        // Drawn with channels innermost, as maps lie.
        let pixels = shape.height * shape.width
        return (0..<width).map { Double(mask[$0 % pixels * shape.channels + $0 / pixels]) }
      })
  }
}

/// Networks that between them have every layer there is, of odd sizes.
enum SmallNetworks {
  static func network(_ input: String, _ layers: String...) -> String {
    let dims = input.split(separator: " ").map { "dim: \($0)" }.joined(separator: " ")
    var (text, bottom) = ("name: \"Small\"\n", "data")
    text += "layer { name: \"data\" type: \"Input\" top: \"data\" "
    text += "input_param { shape { dim: 1 \(dims) } } }\n"
    for layer in layers {
      // NAME TYPE SETTINGS; activations work in place.
      let words = layer.split(separator: " ", maxSplits: 2).map(String.init)
      let isInPlace = ["ReLU", "TanH", "Sigmoid", "PReLU", "Dropout"].contains(words[1])
      let top = isInPlace ? bottom : words[0]
      text += "layer { name: \"\(words[0])\" type: \"\(words[1])\" bottom: \"\(bottom)\" "
      text += "top: \"\(top)\" \(words.count > 2 ? words[2] : "") }\n"
      bottom = top
    }
    return text
  }

  static let all: [String: String] = [
    "like CaffeNet": network(
      "3 19 17",
      "conv1 Convolution convolution_param { num_output: 8 kernel_size: 5 stride: 2 }",
      "relu1 ReLU", "pool1 Pooling pooling_param { pool: MAX kernel_size: 3 stride: 2 }",
      "norm1 LRN lrn_param { local_size: 5 alpha: 0.3 beta: 0.75 }",
      "conv2 Convolution convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 2 }",
      "relu2 ReLU", "fc3 InnerProduct inner_product_param { num_output: 300 }", "relu3 ReLU",
      "fc4 InnerProduct inner_product_param { num_output: 5 }"),
    "dilated, leaky, means": network(
      "2 11 13",
      "conv1 Convolution convolution_param { num_output: 5 kernel_h: 3 kernel_w: 2 dilation: 2 pad: 3 "
        + "stride_h: 1 stride_w: 3 bias_term: false }",
      "relu1 ReLU relu_param { negative_slope: 0.1 }",
      "pool1 Pooling pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }",
      "norm1 LRN lrn_param { local_size: 3 alpha: 0.5 beta: 0.6 k: 2 }", "tanh1 TanH",
      "conv2 Convolution convolution_param { num_output: 4 kernel_size: 1 }", "sig2 Sigmoid",
      "pool2 Pooling pooling_param { pool: AVE global_pooling: true }"),
    "learned slopes, flattened": network(
      "4 7 5",
      "conv1 Convolution convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 2 }",
      "slope1 PReLU", "pool1 Pooling pooling_param { pool: MAX kernel_size: 2 stride: 2 pad: 1 }",
      "flat Flatten", "fc2 InnerProduct inner_product_param { num_output: 130 bias_term: false }",
      "slope2 PReLU prelu_param { channel_shared: true }",
      "fc3 InnerProduct inner_product_param { num_output: 3 }"),
    "dropout": network(
      "3 6 6", "conv1 Convolution convolution_param { num_output: 4 kernel_size: 3 }", "tanh1 TanH",
      "drop1 Dropout dropout_param { dropout_ratio: 0.3 }",
      "fc2 InnerProduct inner_product_param { num_output: 128 }", "relu2 ReLU", "drop2 Dropout",
      "fc3 InnerProduct inner_product_param { num_output: 4 }"),
    "no maps": network(
      "1 5 5", "fc1 InnerProduct inner_product_param { num_output: 9 }", "sig1 Sigmoid",
      "fc2 InnerProduct inner_product_param { num_output: 2 }"),
  ]
}
