internal import ArgumentParser
internal import ConvNet
internal import Files

/// `decaf train-network`.
struct TrainNetworkCommand: DistributedCommand {
  static let configuration = CommandConfiguration(
    commandName: "train-network",
    abstract: "Train a network from its beginning.",
    discussion: """
      As finetune, but all layers begin with drawn weights: what weight_filler and bias_filler in the \
      network's description say (gaussian, xavier, msra, uniform, constant), else normal ones of \
      variance 2 / inputs (He et al. 2015). A description may be Caffe's train_val.prototxt: layers of \
      data, losses and accuracies are passed over, lr_mult, decay_mult and dropout_ratio count.

        decaf train-network images.txt --network small.prototxt \\
          --preprocess small.yaml --validation 0.1 --output small.safetensors
        mpirun -np 64 decaf train-network imagenet.txt --network caffenet \\
          --solver solver.prototxt --batch 256 --output caffenet.safetensors
      """)

  @Argument(help: "Images with labels: a list, or a folder of class folders.", completion: .file())
  var list: String

  @Option(
    help: ArgumentHelp(
      """
      \(Architecture.allCases.filter(\.isTrainable).map(\.rawValue).joined(separator: ", ")), or a .prototxt file of a chain \
      of layers; default: the net of --solver.
      """, valueName: "name|file"),
    completion: .file(extensions: ["prototxt"]))
  var network: String?

  @OptionGroup var training: NetworkTrainingOptions

  @OptionGroup var runOptions: RunOptions

  var isDryRun: Bool { runOptions.isDryRun }

  static var stopsInOrder: Bool { true }

  func validate() throws {
    if network == nil && training.solver.solver == nil {
      throw ValidationError("--network is missing: expected a name or a file, or --solver.")
    }
  }

  private var job: NetworkTrainingJob {
    NetworkTrainingJob(
      list: list, model: nil, network: network, freezeBelow: nil, baseRate: 0.01,
      options: training, threads: runOptions.threads)
  }

  func run(in context: CommandContext) throws -> ExitStatus { try job.run(in: context) }

  func printPlan() throws { try job.printPlan() }
}
