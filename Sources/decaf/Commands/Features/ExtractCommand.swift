internal import ArgumentParser
internal import Communication
internal import ConvNet
internal import Descriptors
internal import Extraction
internal import FeatureStore
internal import Files
internal import Foundation
internal import Images
internal import Logging
internal import Tensors

/// `decaf extract`.
struct ExtractCommand: DistributedCommand {
  static let configuration = CommandConfiguration(
    commandName: "extract",
    abstract: "Compute features of a list of images into a store.",
    discussion: """
      LIST is a text file with one path, or “path label”, a line; a .tsv or .csv file with a header \
      (path, label, x, y, width, height); or a folder of class folders. Row i of the store is the \
      list's i-th image. An image that cannot be decoded is a failed row, not a failed run; one that \
      cannot be read is tried on another host first. Where none of the first images can be used, or a \
      host cannot read what others can, the run ends with status 65, and what it recorded is kept.

        decaf extract images.tsv --model caffenet.safetensors --output images.store
        mpirun -np 8 decaf extract photos --model caffenet.safetensors \\
          --layers fc6,fc7 --output photos.store

      In place of a network, --descriptor makes the hand-made features that networks were first compared \
      with; the store's layer has the descriptor's name.

        decaf extract photos --descriptor gist --output gist.store
        decaf extract photos --descriptor llc --codebook words.safetensors \\
          --output llc.store
      """)

  @Argument(
    help: """
      The image list (also .gz, or - for standard input), a folder of class folders, or .tar shards.
      """)
  var list: String

  @OptionGroup var features: FeatureOptions

  @Option(help: "The store to write: a folder. Started again, the same command continues.")
  var output: String

  @Option(
    help: """
      Activations by name, separated by commas: any of data, conv1 … conv5, pool1, pool2, pool5, \
      norm1, norm2, fc6, fc7, fc8, prob (after ReLU), or conv1:pre … (before it). decaf5, decaf6, \
      decaf7 are pool5, fc6, fc7. Default: those of pool5, fc6, fc7 that the model reaches.
      """,
    transform: Self.blobs)
  var layers: [BlobName]?

  @Option(help: "The folder that relative paths start from; default: the list's own.")
  var root: String?

  @Flag(help: "The store was begun under another --root; these are the same images.")
  var moved = false

  @Option(help: "Images handed to a worker at a time.")
  var batch = 64

  @Option(help: "The numbers in the store.")
  var dtype = ElementType.float32

  @Option(help: "Rows in one file of a layer; default: all.")
  var rowsPerShard: Int?

  @Option(
    help: """
      coordinator: rank 0 writes every row; direct: workers write their own, into a folder that all \
      ranks share; auto: direct where all ranks see that folder, else coordinator.
      """)
  var gather = GatherMode.auto

  @Flag(help: "Rank 0 only coordinates.")
  var dedicatedCoordinator = false

  @Flag(help: "Replace the store that is there.")
  var overwrite = false

  @Flag(help: "Try the failed rows of a complete store again.")
  var retryFailed = false

  @Flag(
    help: """
      Continue a store with the kernels it was begun with, also where the processor has faster ones; \
      without, another kernel class is another job.
      """)
  var keepKernel = false

  @Flag(help: "End with status 65 when an image failed.")
  var strict = false

  @Option(
    help: """
      End with status 65 when more images than this failed, everything so far kept; default: any \
      number, but not all of the first \(ExtractionRequest.firstImages).
      """)
  var maxFailures: Int?

  @Option(help: "Stop after so many hours, with status 75 and everything so far kept.")
  var maxHours: Double?

  @Option(
    help: "Seconds after which a rank that is silent, or gets no further, ends the job (75).")
  var stallTimeout = 600.0

  @Option(help: "Images of more millions of pixels fail.")
  var maxMegapixels = 80

  @Option(
    help: """
      Seconds that an image may be decoded; then the job ends (75), and when it is started again such \
      an image fails.
      """)
  var imageTimeout = 60.0

  @Option(help: "line: a live line; log: a line every 10 s; auto: by what standard error is.")
  var progress = ProgressStyle.auto

  @Option(
    help: """
      A file that tells how the job goes as Prometheus reads it, replaced every five seconds.
      """,
    completion: .file())
  var metrics: String?

  @OptionGroup var result: ResultOptions

  @OptionGroup var runOptions: RunOptions

  var isDryRun: Bool { runOptions.isDryRun }

  func validate() throws {
    try OptionRange.check("--batch", batch, in: OptionRange.rows)
    try OptionRange.check("--rows-per-shard", rowsPerShard, in: OptionRange.rows)
    try OptionRange.check("--max-failures", maxFailures, atLeast: 0)
    try OptionRange.checkPositive("--max-hours", maxHours)
    try OptionRange.checkPositive("--stall-timeout", stallTimeout)
    try OptionRange.checkPositive("--image-timeout", imageTimeout)
    try OptionRange.check("--max-megapixels", maxMegapixels, in: 1...4000)
    if layers != nil, let descriptor = features.descriptor {
      throw ValidationError(
        "--layers is of networks: the layer of --descriptor \(descriptor.rawValue) has its name.")
    }
    if let layers, let twice = Set(layers.filter { blob in layers.count { $0 == blob } > 1 }).first
    {
      throw ValidationError("--layers names \(twice) twice.")
    }
  }

  private static func blobs(_ text: String) throws -> [BlobName] {
    let names = text.split(separator: ",")
    if names.isEmpty { throw ValidationError("expected at least one name") }
    return try names.map { try BlobName(parsing: $0.trimmingCharacters(in: .whitespaces)) }
  }

  /// The request as the extraction takes it.
  ///
  /// - Throws: `InputTransformError`.
  private func makeRequest() throws -> ExtractionRequest {
    var request = ExtractionRequest(try features.makeRecipe())
    request.list = list
    request.root = root
    request.isMoved = moved
    request.model = features.model ?? ""
    request.descriptor = features.choice
    request.output = output
    request.layers = layers
    request.batchSize = batch
    request.dtype = dtype
    request.rowsPerShard = rowsPerShard
    request.gather = gather
    request.dedicatedCoordinator = dedicatedCoordinator
    request.overwrite = overwrite
    request.retryFailed = retryFailed
    request.keepsKernelClass = keepKernel
    request.maxFailures = maxFailures
    request.maxHours = maxHours
    request.stallTimeoutSeconds = stallTimeout
    request.imageTimeoutSeconds = imageTimeout
    request.maxMegapixels = maxMegapixels
    request.progress = progress
    request.metricsPath = metrics
    request.program = Version.program
    request.programFacts = Version.facts
    return request
  }

  static var stopsInOrder: Bool { true }

  func run(in context: CommandContext) throws -> ExitStatus {
    let request = try context.communicator.agree { try makeRequest() }
    let facts = try context.collectFacts(threads: runOptions.threads)
    let job = ExtractionJob(
      request, communicator: context.communicator, team: context.makeTeam(facts),
      log: context.log, facts: facts)
    let summary = try job.run()
    guard context.isRoot else { return .done }
    try result.show(
      summary.resultJSON(store: output),
      text: [summary.text(store: output), summary.advice].filter { !$0.isEmpty }
        .joined(separator: "\n"))
    if summary.stopReason != nil { return .stoppedEarly }
    if summary.failedRows == summary.rows {
      context.log.error(
        """
        every image failed; see \(output)/rows.tsv for the reasons; --retry-failed tries them again
        """)
      return .badInput
    }
    if strict && summary.failedRows > 0 {
      context.log.error(
        """
        images failed: \(summary.failedRows) (--strict); see \(output)/rows.tsv; --retry-failed tries \
        them again
        """)
      return .badInput
    }
    return .done
  }

  func printPlan() throws {
    let list = try ImageList(contentsOf: list, root: root)
    let request = try makeRequest()
    let source = try request.openSource()
    for warning in source.warnings { StandardError.write("decaf: warning: \(warning)\n") }
    let transform = source.options.transform
    let bytes = source.layers.map(\.width).reduce(0, +) * list.count * dtype.byteCount
    print(
      """
      list        \(self.list): \(list.count) images, \(list.classes.count) classes
      \(features.descriptor == nil ? "model     " : "descriptor")  \(source.title)
      transform   \(transform.name), crops of \(transform.inputSize), \
      views \(features.input.views.rawValue), decoding \(features.input.decode.rawValue)
      precision   \(features.input.precision.rawValue)
      layers      \(source.layers.map { "\($0.name) (\($0.width))" }.joined(separator: ", "))
      store       \(output): \(dtype.rawValue), \(ByteCountText.text(bytes))
      batches     \((list.count + batch - 1) / batch) of \(batch)
      """)
    if let root = list.absoluteRoot { print("root        \(root)") }
    let sample = try ImageSample(of: list, recipe: source.options)
    for (index, line) in sample.lines.enumerated() {
      print((index == 0 ? "sample      " : "            ") + line)
    }
    try sample.requireUsable(root: list.absoluteRoot)
    if let calibration = try Calibration.run(
      request, source, list, team: ThreadTeam(ofProcess: runOptions.threads))
    {
      let estimate = ExtractionEstimate(
        calibration: calibration, rows: list.count, storeByteCount: bytes, output: output)
      print(estimate.text)
    }
  }
}
