internal import ArgumentParser
internal import ConvNet
internal import Files

/// `decaf finetune`.
struct FinetuneCommand: DistributedCommand {
  static let configuration = CommandConfiguration(
    commandName: "finetune",
    abstract: "Train a network further, on images of one's own.",
    discussion: """
      Stochastic gradient descent as Caffe defines it, on all ranks together, on the softmax loss of a \
      list of images with labels; the same bytes on any number of ranks and threads. Layers named by \
      --replace start anew, those before --freeze-below stay as they are. Where all layers before the \
      first inner product stay, and nothing is drawn for an image, their rows are computed once.

      The model is written with its training in its metadata, as extract, classify and model inspect \
      take it; beside it OUTPUT's name with .history.tsv, an epoch a line, and .curves.svg.

      Now and then, and when asked to stop by SIGUSR1, SIGTERM, SIGINT or --max-hours, training \
      writes OUTPUT.checkpoint. Started again, the same command continues there, on any number of \
      ranks, to the same bytes. A loss that is no number any more ends it with status 65. Images \
      that cannot be read are left out, and named at the end.

        decaf finetune pets.txt --model caffenet.safetensors --replace fc8 \\
          --rate fc8:10 --validation 0.2 --epochs 20 --output pets.safetensors
        mpirun -np 8 decaf finetune pets.txt --model caffenet.caffemodel \\
          --replace fc8 --freeze-below fc6 --output pets.safetensors
      """)

  @Argument(help: "Images with labels: a list, or a folder of class folders.", completion: .file())
  var list: String

  @Option(help: "The weights to begin with: a \(WeightFormats.readEndings()) file.")
  var model: String

  @OptionGroup var networkChoice: NetworkChoice

  @Option(help: "Layers before this one, that has weights, stay as they are.")
  var freezeBelow: String?

  @OptionGroup var training: NetworkTrainingOptions

  @OptionGroup var runOptions: RunOptions

  var isDryRun: Bool { runOptions.isDryRun }

  static var stopsInOrder: Bool { true }

  private var job: NetworkTrainingJob {
    NetworkTrainingJob(
      list: list, model: model, network: networkChoice.network, freezeBelow: freezeBelow,
      baseRate: 0.001, options: training, threads: runOptions.threads)
  }

  func run(in context: CommandContext) throws -> ExitStatus { try job.run(in: context) }

  func printPlan() throws { try job.printPlan() }
}
