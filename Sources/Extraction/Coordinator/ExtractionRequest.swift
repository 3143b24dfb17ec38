package import ConvNet
internal import FeatureStore
package import Files
internal import Images
package import Tensors

/// How rows get from the workers to the store.
package enum GatherMode: String, Sendable, CaseIterable {
  /// `direct` where all ranks are shown to see the store's folder and can write there, else
  /// `coordinator`.
  case auto
  /// Workers send rows to rank 0, which alone writes.
  case coordinator
  /// Workers write their own rows in place; the store must lie on a file system all ranks share.
  case direct
}

/// What a user asks of an extraction.
package struct ExtractionRequest: Sendable {
  /// A list file or a folder of class folders.
  package var list = ""
  /// The folder that the list's relative paths start from; nil for the list's own.
  package var root: String?
  /// The images under `root` are those that the store was begun with under another one.
  package var isMoved = false
  /// The weights file; empty where a descriptor makes the features.
  package var model = ""
  /// The hand-made descriptor that makes the features; nil for a network.
  package var descriptor: DescriptorChoice?
  /// The store's folder.
  package var output = ""
  /// Nil for those of pool5, fc6 and fc7 that the model reaches.
  package var layers: [BlobName]?
  /// How features are made.
  package var recipe: RecipeOptions
  /// A job whose first images all fail ends after so many.
  package static let firstImages = FailureWatch.startLimit
  /// Images handed to a worker at a time.
  package var batchSize = 64
  package var dtype = ElementType.float32
  /// Rows in one file of a layer; nil for all in one.
  package var rowsPerShard: Int?
  package var gather = GatherMode.auto
  package var dedicatedCoordinator = false
  package var overwrite = false
  package var retryFailed = false
  /// Continue a store with the kernel class it was begun with.
  package var keepsKernelClass = false
  /// End when more rows of the store failed than this; nil for the usual rules.
  package var maxFailures: Int?
  /// Stop after so many hours, everything so far kept.
  package var maxHours: Double?
  /// End the job when a rank is silent, or gets no further, for so long.
  package var stallTimeoutSeconds = 600.0
  /// End the job when an image is decoded for so long, and fail it when that happens to it alone.
  package var imageTimeoutSeconds = 60.0
  /// Images of more millions of pixels fail.
  package var maxMegapixels = ImageDecoder.pixelLimit / 1_000_000
  package var progress = ProgressStyle.auto
  /// Where rank 0 says how the job goes, every few seconds; see `MetricsFile`.
  package var metricsPath: String?
  /// Name and version of the program that asks, for the record of the run.
  package var program = "decaf"
  /// What that program was built from and runs on (on rank 0), name and value, for the same record.
  package var programFacts: [(name: String, value: String)] = []

  /// A request for features made like this, with the usual options.
  package init(_ recipe: RecipeOptions) { self.recipe = recipe }
}

/// Why an extraction cannot start, or ended badly.
package enum ExtractionError: ErrorWithStatus, CustomStringConvertible {
  /// A dedicated coordinator leaves nobody to work.
  case noWorkers
  /// The file of metrics cannot be made.
  case cannotMakeMetrics(SystemError)
  /// The transform makes inputs of another size than the network takes.
  case wrongInputSize(found: Int, expected: Int)
  /// The store was begun with kernels that this rank's processor lacks.
  case kernelUnavailable(String, supported: [KernelClass])
  /// No image finished anywhere for too long; the store keeps what was recorded.
  case stalled(String)
  /// Too many images failed; the store keeps what was recorded.
  case endedEarly(String)

  package var description: String {
    switch self {
    case .noWorkers:
      """
      --dedicated-coordinator with one rank leaves nobody to compute; start at least two ranks or \
      leave the option out
      """
    case .cannotMakeMetrics(let error):
      "--metrics: \(error)"
    case .wrongInputSize(let found, let expected):
      "input transform: crop \(found); expected \(expected), the input of the network"
    case .kernelUnavailable(let name, let supported):
      """
      --keep-kernel: the store was begun with \(name) kernels, this processor runs only \
      \(supported.map(\.rawValue).joined(separator: ", ")); continue it where \(name) runs, choose \
      another output, or replace it with --overwrite
      """
    case .stalled(let text), .endedEarly(let text):
      text
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .noWorkers, .wrongInputSize: .usage
    case .endedEarly: .badInput
    case .kernelUnavailable, .cannotMakeMetrics: .cannotCreate
    case .stalled: .stoppedEarly
    }
  }
}
