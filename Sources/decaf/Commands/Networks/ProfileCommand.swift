internal import ArgumentParser
internal import Communication
internal import ConvNet
internal import Extraction
internal import Files
internal import Foundation
internal import Plotting
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

        decaf profile --model caffenet.safetensors
        decaf profile --model caffenet.safetensors --batch 1 --output layers.svg
        mpirun -np 2 decaf profile --model caffenet.safetensors --layer pool5
      """)

  @Option(help: "The weights: a \(WeightFormats.readEndings()) file.")
  var model: String

  @OptionGroup var networkChoice: NetworkChoice

  @Option(
    help: "The activation to stop at; default: the network's last inner product.",
    transform: { try BlobName(parsing: $0) })
  var layer: BlobName?

  @Option(help: "Draw the layers' times as well: an .svg file.")
  var output: String?

  @Option(help: "What convolutions and inner products multiply; bf16 needs AMX.")
  var precision = Precision.fp32

  @Option(help: "Images computed together.")
  var batch = 64

  @Option(help: "Batches that are timed, after one that is not.")
  var rounds = 5

  @OptionGroup var runOptions: RunOptions

  var isDryRun: Bool { runOptions.isDryRun }

  func validate() throws {
    try OptionRange.check("--batch", batch, atLeast: 1)
    try OptionRange.check("--rounds", rounds, atLeast: 1)
    if let output, !output.hasSuffix(".svg") {
      throw ValidationError("--output \(output): expected a name that ends in .svg.")
    }
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
    try context.communicator.agree {
      guard context.isRoot, let output else { return }
      try ExistingPicture.check(output, isOwn: PictureMark.isIn)
    }
    let clock = ContinuousClock()
    var opened: (model: Model, engine: Engine)?
    var (openTime, packTime) = (Duration.zero, Duration.zero)
    try context.communicator.agree {
      let start = clock.now
      let model = try Model.open(self.model, architecture: try networkChoice.architecture())
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
    var measurement = measure(engine, model, team)
    measurement.openSeconds = openTime / .seconds(1)
    measurement.packSeconds = packTime / .seconds(1)
    let all = try context.communicator.gather(
      [UInt8](try JSONEncoder().encode(measurement)), root: 0)
    guard context.isRoot else { return .done }
    let report = ProfileReport(
      model: model, precision: precision, batch: batch, rounds: rounds,
      ranks: try all.map { try JSONDecoder().decode(ProfileMeasurement.self, from: Data($0)) })
    print(report.text)
    if let output {
      try ExistingPicture.write(report.figure.svg, to: output)
      print("figure: \(output)")
    }
    return .done
  }

  /// Times the engine on images of no meaning.
  private func measure(_ engine: Engine, _ model: Model, _ team: ThreadTeam) -> ProfileMeasurement {
    let count = model.definition.inputShape.count
    for image in 0..<batch {
      engine.setInput(image, (0..<count).map { Float(($0 * 7919 + image) % 251) - 120 })
    }
    engine.run(count: batch)
    let layers = engine.takeTimes().map(\.layer)
    var times: [[Double]] = []
    var batches: [Double] = []
    for _ in 0..<rounds {
      batches.append(ContinuousClock().measure { engine.run(count: batch) } / .seconds(1))
      times.append(engine.takeTimes().map(\.seconds))
    }
    return ProfileMeasurement(
      kernels: engine.kernelClass.rawValue, threads: team.threadCount, openSeconds: 0,
      packSeconds: 0, batchSeconds: batches.sorted()[rounds / 2], layers: layers,
      layerSeconds: layers.indices.map { i in times.map { $0[i] }.sorted()[rounds / 2] })
  }

  func printPlan() throws {
    let model = try Model.open(self.model, architecture: try networkChoice.architecture())
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
