import ConvNet
import Foundation
import Tensors
import Testing

@testable import NetworkTraining

/// What a network's text says of its training.
@Suite struct TrainingTextTests {
  static let trainVal = """
    name: "Mini"
    layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
      transform_param { mirror: true crop_size: 20 mean_file: "m.binaryproto" }
      data_param { source: "train_lmdb" batch_size: 256 backend: LMDB } }
    layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
      transform_param { mirror: false crop_size: 18 } }
    layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
      param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
      convolution_param { num_output: 4 kernel_size: 3
        weight_filler { type: "gaussian" std: 0.01 } bias_filler { type: "constant" value: 1 } } }
    layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
    layer { name: "drop1" type: "Dropout" bottom: "conv1" top: "conv1"
      dropout_param { dropout_ratio: 0.25 } }
    layer { name: "fc2" type: "InnerProduct" bottom: "conv1" top: "fc2"
      inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
    layer { name: "accuracy" type: "Accuracy" bottom: "fc2" bottom: "label" top: "accuracy"
      include { phase: TEST } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc2" bottom: "label" top: "loss" }
    """

  @Test func caffesTrainingFilesAreRead() throws {
    let text = try TrainingText(Array(Self.trainVal.utf8), source: "t", outputs: ["fc2": 3])
    let definition = text.architecture.definition
    #expect(definition.inputShape == BlobShape(3, 20, 20))
    #expect(definition.layers.map(\.name) == ["conv1", "relu1", "fc2", "prob"])
    #expect(definition.layers[2].outputShape == BlobShape(3))
    #expect(text.dropouts == [.init(name: "drop1", after: "relu1", ratio: 0.25)])
    #expect(
      text.layer("conv1")
        == .init(
          name: "conv1", rates: [.init(rate: 1, decay: 1), .init(rate: 2, decay: 0)],
          weightFiller: .gaussian(mean: 0, standardDeviation: 0.01), biasFiller: .constant(1)))
    #expect(text.layer("fc2")?.weightFiller == .xavier(.fanIn))
  }

  @Test func shippedNetworksAreRead() throws {
    for architecture in Architecture.allCases {
      let text = try TrainingText(Array(architecture.text.utf8), source: architecture.rawValue)
      #expect(text.architecture == architecture)
      if architecture.isTrainable {
        #expect(throws: Never.self) { try NetworkPlan(text, seed: 1) }
      } else {
        // Batch normalization is refused by name.
        #expect(throws: TrainingError.self) { try NetworkPlan(text, seed: 1) }
      }
    }
  }

  @Test func mistakesAreNamed() throws {
    let text = try TrainingText(Array(Self.trainVal.utf8), source: "t")
    #expect(throws: TrainingError.self) {
      try TrainingText(Array(Self.trainVal.utf8), source: "t", outputs: ["fc9": 3])
    }
    #expect(throws: TrainingError.self) { try NetworkPlan(text, frozenBelow: "conv9", seed: 1) }
    #expect(throws: TrainingError.self) { try NetworkPlan(text, factors: ["x": .init()], seed: 1) }
    let normalized = SmallNetworks.network(
      "3 5 5", "bn BatchNorm batch_norm_param { use_global_stats: true }",
      "fc InnerProduct inner_product_param { num_output: 3 }")
    let plain = try TrainingText(Array(normalized.utf8), source: "t")
    #expect(throws: TrainingError.self) { try NetworkPlan(plain, seed: 1) }
  }

  @Test func fillersHaveTheirSpread() {
    func moments(_ filler: Filler, _ shape: [Int]) -> (mean: Double, deviation: Double) {
      var generator = SeededGenerator(seed: 5)
      let numbers = filler.numbers(shape, &generator).map(Double.init)
      let mean = numbers.reduce(0, +) / Double(numbers.count)
      let squares = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (mean, (squares / Double(numbers.count)).squareRoot())
    }
    // 20 000 numbers: their deviation is known to half a percent.
    let shape = [100, 8, 5, 5]
    #expect(abs(moments(.msra(.fanIn), shape).deviation / 0.1 - 1) < 0.02)
    #expect(abs(moments(.xavier(.fanIn), shape).deviation * 200.0.squareRoot() - 1) < 0.02)
    #expect(
      abs(moments(.xavier(.fanOut), shape).deviation * 2500.0.squareRoot() - 1) < 0.02)
    let gaussian = moments(.gaussian(mean: 3, standardDeviation: 0.5), shape)
    #expect(abs(gaussian.mean - 3) < 0.02 && abs(gaussian.deviation - 0.5) < 0.01)
    #expect(moments(.constant(2), shape) == (2, 0))
  }
}
