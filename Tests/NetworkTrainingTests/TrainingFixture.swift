import Communication
import ConvNet
import Files
import Foundation
import Images
import Synchronization
import Tensors
import TestSupport

@testable import NetworkTraining

/// A folder of small drawn images of three classes, two of them broken, and a small network for them.
struct TrainingFixture {
  let folder: String
  static let imageCount = 62
  static let broken = [7, 50]

  var list: String { "\(folder)/list.txt" }

  static let network = SmallNetworks.network(
    "3 16 16",
    "conv1 Convolution convolution_param { num_output: 8 kernel_size: 5 stride: 2 pad: 2 }",
    "relu1 ReLU", "pool1 Pooling pooling_param { pool: MAX kernel_size: 3 stride: 2 }",
    "norm1 LRN lrn_param { local_size: 3 alpha: 0.001 beta: 0.75 }",
    "fc2 InnerProduct inner_product_param { num_output: 150 }", "relu2 ReLU",
    "drop2 Dropout dropout_param { dropout_ratio: 0.2 }",
    "fc3 InnerProduct inner_product_param { num_output: 3 }", "prob Softmax")

  static func transform() throws -> InputTransform {
    try InputTransform(
      yaml: """
        name: small
        resize: {mode: warp, width: 20, height: 20, filter: bilinear}
        crop: 16
        channels: bgr
        scale: 0.02
        mean: [2, 2, 2]
        """, source: "small")
  }

  init(in folder: String) throws {
    self.folder = folder
    var lines = [String]()
    for number in 0..<Self.imageCount {
      let bytes = Self.broken.contains(number) ? Array("GIF89a".utf8) : try Self.image(number)
      try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(number).jpg"))
      lines.append("\(number).jpg \(["across", "along", "plain"][number % 3])")
    }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: list))
  }

  /// Stripes across or along, or none, with noise.
  private static func image(_ number: Int) throws -> [UInt8] {
    let (width, height) = (24 + number % 5, 22 + number % 7)
    let noise = SlowKernels.random(width * height * 3, seed: UInt64(number), in: 0...60)
    var pixels = [UInt8]()
    for y in 0..<height {
      for x in 0..<width {
        let wave = [y / 3 % 2, x / 3 % 2, 1][number % 3] * 120 + 40
        pixels += (0..<3).map { UInt8(Float(wave) + noise[(y * width + x) * 3 + $0]) }
      }
    }
    return try JPEGEncoder.encode(RGBImage(width: width, height: height, pixels: pixels))
  }

  /// - Parameter model: weights to begin with.
  func request(
    epochs: Int = 3, batch: Int = 40, frozenBelow: String? = nil, model: Model? = nil,
    augmentation: Augmentation = Augmentation(), baseRate: Double = 0.05
  ) throws -> TrainingRequest {
    let text = try TrainingText(Array(Self.network.utf8), source: "small.prototxt")
    let plan = try NetworkPlan(text, frozenBelow: frozenBelow, seed: 11)
    let list = try ImageList(contentsOf: list)
    let classes = try TrainingImages.classes(of: list, outputs: 3, layer: "fc3")
    let (images, validation) = try TrainingImages(list, classes: classes).split(0.2, seed: 11)
    var settings = SolverSettings()
    (settings.baseRate, settings.policy) = (baseRate, .cosine)
    settings.maxIterations = epochs * ((images.count + batch - 1) / batch)
    let request = TrainingRequest(
      plan: plan, settings: settings, batchSize: batch, images: images, validation: validation,
      classes: classes, transform: try Self.transform(), augmentation: augmentation, seed: 11,
      model: model, replaced: [])
    try request.validate()
    return request
  }

  /// What a training leaves.
  struct Result: Sendable, Equatable {
    var weights: [String: [Float]]
    var history: [EpochRecord]
    var failures: [Int]
    var validationFailures: [Int]
  }

  /// Trains to the end, or until it has been asked so often whether to stop.
  ///
  /// - Returns: nil when it stopped.
  func train(
    _ request: TrainingRequest, ranks: Int, threads: Int = 1, questions: Int = .max,
    checkpoint: String = "checkpoint"
  ) throws -> Result? {
    let path = "\(folder)/\(checkpoint)"
    return try InProcessCommunicator.run(size: ranks) { communicator in
      let asked = Mutex(0)
      let schedule = TrainingSchedule(
        checkpointPath: path, interval: .seconds(1e6),
        stopReason: {
          asked.withLock {
            $0 += 1
            return $0 > questions ? "a test" : nil
          }
        })
      let trainer = try NetworkTrainer(
        request, schedule, communicator: communicator, team: ThreadTeam(threadCount: threads))
      do { try trainer.run() } catch is NetworkTrainingStopped { return nil }
      let model = try trainer.makeModel(name: "small", training: .object([:]))
      guard let model else { return nil }
      try trainer.removeCheckpoint()
      var weights = [String: [Float]]()
      for layer in model.definition.layers where layer.hasParameters {
        for (part, blob) in model.storedParameters(layer.name).blobs.enumerated() {
          weights["\(layer.name).\(part)"] = blob.floats()
        }
      }
      return Result(
        weights: weights, history: trainer.history, failures: trainer.failures.keys.sorted(),
        validationFailures: trainer.validationFailures.keys.sorted())
    }[0]
  }
}
