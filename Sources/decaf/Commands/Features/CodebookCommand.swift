internal import ArgumentParser
internal import Communication
internal import ConvNet
internal import Descriptors
internal import Extraction
internal import Files
internal import Foundation
internal import Images
internal import Logging
internal import Tensors

/// `decaf codebook`.
struct CodebookCommand: DistributedCommand {
  static let configuration = CommandConfiguration(
    commandName: "codebook",
    abstract: "Make the words that LLC codes images by.",
    discussion: """
      Takes SIFT descriptors of a dense grid from the images of LIST and finds words such that each is \
      near one: k-means++, then Lloyd's passes, until the mean squared distance falls by less than a \
      ten-thousandth. Any number of ranks and threads makes the same file. An image that cannot be \
      used is left out, and told of.

      Now and then, and when asked to stop by SIGUSR1, SIGTERM, SIGINT or --max-hours, what is reached \
      is written beside the codebook, as OUTPUT.checkpoint. Started again, the same command continues \
      there, on any number of ranks and threads, to the same bytes.

        decaf codebook images.tsv --output words.safetensors
        mpirun -np 8 decaf codebook photos --words 2048 --output words.safetensors
      """)

  @Argument(
    help: """
      The image list (also .gz, or - for standard input), a folder of class folders, or .tar shards.
      """)
  var list: String

  @Option(help: "The codebook to write, a .safetensors file.")
  var output: String

  @Option(help: "Words.")
  var words = 1024

  @Option(
    help: """
      About how many SIFT descriptors the words are made of, spread evenly over the images; all ranks \
      together hold 512 bytes of each.
      """)
  var sample = 200_000

  @Option(
    help: "The seed of what is left to chance: the descriptors of an image, and the first words.")
  var seed: UInt64 = 0

  @Option(help: "The most passes over the descriptors.")
  var iterations = 50

  @Option(help: "The folder that relative paths start from; default: the list's own.")
  var root: String?

  @Option(help: "exact: every pixel of the file; fast: large images at a half, quarter or eighth.")
  var decode = DecodeMode.exact

  @Option(help: "Images of more millions of pixels fail.")
  var maxMegapixels = 80

  @Option(help: "Stop after so many hours, with status 75 and a checkpoint.")
  var maxHours: Double?

  @Option(
    help: """
      The least minutes between checkpoints that nobody asked for; 0: one wherever there can be one.
      """)
  var checkpointMinutes = 10.0

  @Flag(
    help: """
      Replace OUTPUT, if it is there (else that ends with status 73), and a checkpoint of another \
      codebook; one of this codebook is continued.
      """)
  var overwrite = false

  @OptionGroup var result: ResultOptions

  @OptionGroup var runOptions: RunOptions

  var isDryRun: Bool { runOptions.isDryRun }

  func validate() throws {
    try OptionRange.check("--words", words, in: LLC.neighbors...65_536)
    try OptionRange.check("--sample", sample, in: words...CodebookRequest.largestSample)
    try OptionRange.check("--iterations", iterations, in: 1...10_000)
    try OptionRange.check("--max-megapixels", maxMegapixels, in: 1...4000)
    try OptionRange.checkPositive("--max-hours", maxHours)
    try OptionRange.checkNotNegative("--checkpoint-minutes", checkpointMinutes)
    if !output.hasSuffix(".safetensors") {
      throw ValidationError("--output \(output): expected a name that ends in .safetensors.")
    }
  }

  private var request: CodebookRequest {
    var request = CodebookRequest(list: list)
    request.root = root
    request.wordCount = words
    request.sample = sample
    request.seed = seed
    request.iterations = iterations
    request.decode = decode
    request.maxMegapixels = maxMegapixels
    return request
  }

  static var stopsInOrder: Bool { true }

  func run(in context: CommandContext) throws -> ExitStatus {
    try context.locking(output + ".lock", output: output) {
      do { return try make(in: context, since: .now) } catch let stop as CodebookStopped {
        guard context.isRoot else { return .stoppedEarly }
        try result.show(
          .object(["stopped": .string("\(stop)"), "checkpoint": .string(checkpointPath)]),
          text: "\(stop); \(checkpointPath) is written, the same command line continues")
        return .stoppedEarly
      }
    }
  }

  private var checkpointPath: String { output + ".checkpoint" }

  /// Makes the codebook, with the output to itself.
  private func make(
    in context: CommandContext, since start: ContinuousClock.Instant
  ) throws -> ExitStatus {
    let team = try context.makeTeam(threads: runOptions.threads)
    let progress = context.isRoot ? StepProgress() : nil
    defer { progress?.finish() }
    let job = CodebookJob(
      request, communicator: context.communicator, team: team, log: context.log
    ) { progress?.show($0, $1, of: $2) }
    let made = try job.run(checkpoint: (checkpointPath, schedule(context, since: start))) {
      origin in
      try ExistingOutput.decide(output, overwrite: overwrite) {
        (try? Codebook.load(output))?.origin == origin
      } == .finished
    }
    progress?.finish()
    try context.communicator.agree {
      guard context.isRoot else { return }
      try made?.save(output)
      try CodebookCheckpointer.remove(checkpointPath)
    }
    guard context.isRoot else { return .done }
    guard let codebook = try made ?? (result.json ? Codebook.load(output) : nil) else {
      print("codebook    \(output) is there already: this very command made it")
      return .done
    }
    try result.show(json(codebook), text: summary(codebook))
    return .done
  }

  private func schedule(
    _ context: CommandContext, since start: ContinuousClock.Instant
  ) -> CodebookCheckpointer.Schedule {
    let end = maxHours.map { start + .seconds(min($0, 1e6) * 3600) }
    let log = context.log
    return CodebookCheckpointer.Schedule(
      interval: .seconds(min(checkpointMinutes, 1e8) * 60), startsAnew: overwrite,
      stopReason: {
        StopSignal.name ?? (end.map { ContinuousClock.now >= $0 } == true ? "--max-hours" : nil)
      }, warn: { log.warning("\($0)") })
  }

  private func summary(_ made: Codebook) -> String {
    """
    words       \(made.count), of \(made.outcome.descriptors) SIFT descriptors
    images      \(made.origin.rows), \(made.outcome.failedImages) failed
    passes      \(made.outcome.passes)\
    \(made.outcome.passes == iterations ? " (--iterations): not all had settled" : "")
    distance    \(String(format: "%.6f", made.outcome.meanSquare)), mean square
    codebook    \(output)
    """
  }

  private func json(_ made: Codebook) -> JSONValue {
    .object([
      "codebook": .string(output), "words": .number(Double(made.count)),
      "descriptors": .number(Double(made.outcome.descriptors)),
      "images": .number(Double(made.origin.rows)),
      "failedImages": .number(Double(made.outcome.failedImages)),
      "passes": .number(Double(made.outcome.passes)),
      "meanSquare": .number(made.outcome.meanSquare), "sha256": .string(made.sha256.hexadecimal),
    ])
  }

  func printPlan() throws {
    let list = try ImageList(contentsOf: list, root: root)
    let images = min(list.count, sample)
    print(
      """
      list        \(self.list): \(list.count) images, \(images) of them used
      descriptors about \(sample), \(ByteCountText.text(sample * DenseSIFT.width * 4))
      words       \(words)
      codebook    \(output)
      """)
    if let root = list.absoluteRoot { print("root        \(root)") }
    var recipe = RecipeOptions(transform: DescriptorKind.llc.transform)
    recipe.decode = decode
    let sample = try ImageSample(of: list, recipe: recipe)
    for (index, line) in sample.lines.enumerated() {
      print((index == 0 ? "sample      " : "            ") + line)
    }
    try sample.requireUsable(root: list.absoluteRoot)
  }
}
