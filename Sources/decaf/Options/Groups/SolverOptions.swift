internal import ArgumentParser
internal import Files
internal import NetworkTraining

/// Options of the descent by which a network is trained: what Caffe's solver files say, too.
struct SolverOptions: ParsableArguments {
  @Option(
    help:
      "Caffe's solver.prototxt; options given besides win. Its net is read where --network is not given.",
    completion: .file(extensions: ["prototxt"]))
  var solver: String?

  @Option(help: "Passes over the images; default: 10, or the iterations that the solver file says.")
  var epochs: Int?

  @Option(help: "Steps, in place of --epochs.")
  var iterations: Int?

  @Option(help: "Images of a step.")
  var batch = 64

  @Option(help: "sgd: momentum and weight decay; lars: the same with a rate for each parameter.")
  var method: SolverSettings.Method?

  @Option(help: "The learning rate to begin with; default: 0.01, and 0.001 for finetune.")
  var baseLr: Double?

  @Option(
    help: """
      How it changes, by iteration i: fixed; step (times gamma every --step-size); multistep (times \
      gamma at --step-values); poly ((1 − i/iterations)^power); inv ((1 + gamma·i)^−power); exp \
      (gamma^i); sigmoid; cosine. Default: fixed.
      """)
  var lrPolicy: RatePolicy?

  @Option(help: "See --lr-policy; default: 0.1.")
  var gamma: Double?

  @Option(help: "See --lr-policy; default: 1.")
  var power: Double?

  @Option(help: "Iterations; see --lr-policy.")
  var stepSize: Int?

  @Option(help: "Iterations, separated by commas; see --lr-policy.")
  var stepValues: NumberList?

  @Option(help: "Iterations in which the rate grows from 0 to its own; default: 0.")
  var warmUp: Int?

  @Option(help: "The part of the last step that each step has; default: 0.9.")
  var momentum: Double?

  @Option(help: "The weight of ½‖w‖²; default: 0.0005.")
  var weightDecay: Double?

  @Option(help: "The length that the gradient may have; a longer one is scaled. Default: any.")
  var clipGradients: Double?

  @Option(
    help: "With --method lars: the part of a parameter's length that a step has; default: 0.001.")
  var trust: Double?

  func validate() throws {
    try OptionRange.check("--epochs", epochs, in: OptionRange.rows)
    try OptionRange.check("--iterations", iterations, in: OptionRange.rows)
    try OptionRange.check("--batch", batch, in: 1...65536)
    if let stepValues, steps?.count != stepValues.values.count {
      throw ValidationError("--step-values: expected whole numbers, separated by commas.")
    }
    if epochs != nil && iterations != nil {
      throw ValidationError("--epochs and --iterations: expected one of them.")
    }
  }

  /// `--step-values`, those that are whole numbers.
  private var steps: [Int]? { stepValues?.values.compactMap { Int(exactly: $0) } }

  /// The solver file, if there is one.
  ///
  /// - Throws: `TrainingError.text`, `SystemError`.
  func file() throws -> SolverText? {
    guard let solver else { return nil }
    let bytes = try PositionedFile(solver, .read).read(1 << 20, at: 0)
    return try SolverText(bytes, source: solver)
  }

  /// What the file says, and the options besides it.
  ///
  /// - Parameter baseRate: where nobody says one.
  /// - Throws: `TrainingError.invalidOptions` with all problems at once.
  func settings(
    _ file: SolverText?, baseRate: Double, stepsPerEpoch: Int
  ) throws(TrainingError) -> SolverSettings {
    var settings = file?.settings ?? SolverSettings()
    if file == nil { settings.baseRate = baseRate }
    settings.method = method ?? settings.method
    settings.baseRate = baseLr ?? settings.baseRate
    settings.policy = lrPolicy ?? settings.policy
    settings.gamma = gamma ?? settings.gamma
    settings.power = power ?? settings.power
    settings.stepSize = stepSize ?? settings.stepSize
    settings.stepValues = steps ?? settings.stepValues
    settings.warmUp = warmUp ?? settings.warmUp
    settings.momentum = momentum ?? settings.momentum
    settings.weightDecay = weightDecay ?? settings.weightDecay
    settings.clipGradients = clipGradients ?? settings.clipGradients
    settings.trust = trust ?? settings.trust
    if let iterations {
      settings.maxIterations = iterations
    } else if epochs != nil || file?.hasIterations != true {
      settings.maxIterations = (epochs ?? 10) * stepsPerEpoch
    }
    let problems = settings.problems
    if !problems.isEmpty { throw .invalidOptions(problems) }
    return settings
  }
}
