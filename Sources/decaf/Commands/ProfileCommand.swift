internal import ArgumentParser
internal import Communication
internal import ConvNet
internal import Extraction
internal import Files
internal import Foundation
internal import Tensors

/// `decaf profile`.
struct ProfileCommand: DistributedCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile",
    abstract: "Show what each layer of a network takes on this machine.",
    discussion: """
      Runs batches of made-up images on every rank at once, as an extraction does, without files: \
      start it under mpirun like the extraction that it is to explain. Times are medians over the \
      rounds, a thread's milliseconds an image; GFLOP/s count the multiplications and additions of \
      the plain definition, two a weight and output pixel, whatever way the layer is computed.
      """)

  @Option(help: "The weights: a \(WeightFormats.readEndings()) file.")
  var model: String

  @Option(help: "The order of the layers; by default the file's own.")
  var architecture: Architecture?

  @Option(
    help: "The activation to stop at; default: the network's last inner product.",
    transform: { try BlobName(parsing: $0) })
  var layer: BlobName?

  @Option(help: "What convolutions and inner products multiply; bf16 needs AMX.")
  var precision = Precision.fp32

  @Option(help: "Images computed together.")
  var batch = 64

  @Option(help: "Batches that are timed, after one that is not.")
  var rounds = 5

  @OptionGroup var runOptions: RunOptions

  var isDryRun: Bool { runOptions.isDryRun }

  func validate() throws {
    for (name, value) in [("--batch", batch), ("--rounds", rounds)] where value < 1 {
      throw ValidationError("\(name) \(value): expected 1 or more.")
    }
  }

  /// What one rank measured.
  private struct Report: Codable {
    var kernels: String
    var threads: Int
    var openSeconds: Double
    var packSeconds: Double
    /// Of a batch, wall-clock, median.
    var batchSeconds: Double
    var layers: [String]
    /// Of a thread, a batch, median.
    var layerSeconds: [Double]
  }

  /// The activation to compute.
  private func output(of model: Model) throws -> BlobName {
    if let layer {
      try model.requireReachable(layer)
      return layer
    }
    return model.definition.lastActivation
  }

  func run(in context: CommandContext) throws -> ExitStatus {
    let team = try context.makeTeam(threads: runOptions.threads)
    let clock = ContinuousClock()
    var opened: (model: Model, engine: Engine)?
    var (openTime, packTime) = (Duration.zero, Duration.zero)
    try context.communicator.agree {
      let start = clock.now
      let model = try Model.open(self.model, architecture: architecture)
      openTime = clock.now - start
      let output = try output(of: model)
      packTime = try clock.measure {
        opened = (
          model,
          try Engine(
            model: model, outputs: [output], capacity: batch, precision: precision, team: team)
        )
      }
    }
    let (model, engine) = opened!
    try context.communicator.barrier()
    var report = measure(engine, team)
    report.openSeconds = openTime / .seconds(1)
    report.packSeconds = packTime / .seconds(1)
    let all = try context.communicator.gather(
      [UInt8](try JSONEncoder().encode(report)), root: 0)
    guard context.isRoot else { return .done }
    let reports = try all.map { try JSONDecoder().decode(Report.self, from: Data($0)) }
    print(text(reports, model).joined(separator: "\n"))
    return .done
  }

  /// Times the engine on images of no meaning.
  private func measure(_ engine: Engine, _ team: ThreadTeam) -> Report {
    let count = NetworkDefinition.inputShape.count
    for image in 0..<batch {
      engine.setInput(image, (0..<count).map { Float(($0 * 7919 + image) % 251) - 120 })
    }
    engine.run(count: batch)
    var layers = engine.takeTimes().map(\.layer)
    var times: [[Double]] = []
    var batches: [Double] = []
    for _ in 0..<rounds {
      batches.append(ContinuousClock().measure { engine.run(count: batch) } / .seconds(1))
      times.append(engine.takeTimes().map(\.seconds))
    }
    let medians = layers.indices.map { i in times.map { $0[i] }.sorted()[rounds / 2] }
    // Steps that take no time that could be seen are left out.
    let seen = layers.indices.filter { medians[$0] > 0 }
    layers = seen.map { layers[$0] }
    return Report(
      kernels: engine.kernelClass.rawValue, threads: team.threadCount, openSeconds: 0,
      packSeconds: 0, batchSeconds: batches.sorted()[rounds / 2], layers: layers,
      layerSeconds: seen.map { medians[$0] })
  }

  /// The table, of the mean over ranks.
  private func text(_ reports: [Report], _ model: Model) -> [String] {
    let ranks = Double(reports.count)
    let kernels = Set(reports.map(\.kernels)).sorted().joined(separator: ", ")
    let threads = Set(reports.map(\.threads)).sorted().map(String.init).joined(separator: ", ")
    var lines = [
      "\(model.architecture.rawValue)\(precision.remark), \(kernels) kernels, "
        + "ranks \(reports.count), threads a rank \(threads), batch \(batch), median of \(rounds)",
      "layer          ms/image  share  GFLOP/s",
    ]
    let total = reports.reduce(0) { $0 + $1.layerSeconds.reduce(0, +) }
    for (i, name) in reports[0].layers.enumerated() {
      let seconds = reports.reduce(0) { $0 + $1.layerSeconds[i] }
      let image = seconds / ranks / Double(batch)
      let rate = operations(of: name, model).map { String(format: "%7.1f", $0 / image / 1e9) }
      let padded = name.padding(toLength: 14, withPad: " ", startingAt: 0)
      lines.append(
        padded + String(format: " %8.3f  %4.1f%%", image * 1000, seconds / total * 100)
          + (rate.map { "  \($0)" } ?? ""))
    }
    let sum = total / ranks / Double(batch)
    lines.append(
      "all           " + String(format: " %8.3f", sum * 1000))
    let rates = reports.map { Double(batch) / $0.batchSeconds }
    lines.append(
      String(format: "%.1f images/s", rates.reduce(0, +))
        + (rates.count > 1
          ? " (by rank \(rates.map { String(format: "%.1f", $0) }.joined(separator: ", ")))" : ""))
    lines.append(
      String(
        format: "start: %.2f s to open the weights, %.2f s to pack them",
        reports.map(\.openSeconds).max()!, reports.map(\.packSeconds).max()!))
    return lines
  }

  /// Multiplications and additions of a layer's definition for one image; nil for those that have
  /// no weights.
  private func operations(of name: String, _ model: Model) -> Double? {
    guard let layer = model.definition.layers.first(where: { $0.name == name }),
      let shape = layer.weightShape
    else { return nil }
    let output = layer.outputShape
    let weights = shape.reduce(1, *)
    return 2 * Double(weights) * Double(output.height * output.width)
  }

  func printPlan() throws {
    let model = try Model.open(self.model, architecture: architecture)
    let output = try output(of: model)
    print(
      """
      model       \(self.model): \(model.architecture.rawValue)
      layer       \(output) (\(model.definition.shape(of: output).count))
      batches     \(rounds + 1) of \(batch), the first untimed
      kernels     \(try KernelClass.current.rawValue)\(precision.remark)
      """)
  }
}
