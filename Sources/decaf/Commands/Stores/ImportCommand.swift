internal import ArgumentParser
internal import FeatureStore
internal import Files
internal import Images
internal import Interchange
internal import Tensors

/// `decaf import`.
struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Make a store of features that another program computed.",
    discussion: """
      FILE is a MATLAB file of version 5 (.mat, save -v7), a NumPy array or archive (.npy, .npz), or \
      svmlight text (.svm) or a table (.csv, as decaf export writes), with one row a sample. The store \
      is like one that decaf extract makes: verify, train, predict, evaluate and export take it. Values are kept as float32 or float16. A \
      row that is NaN throughout becomes a failed one.

        decaf import dslr.mat --labels labels --layer fc6 --output dslr.store
        decaf import x.npy --labels y.npy --layer fc7 --output x.store
        decaf import features.csv --layer fc6 --output features.store
      """)

  @Argument(help: "The file with the features.", completion: .file())
  var file: String

  @Option(
    help: """
      A variable of FILE, or another file: .npy, .mat or .npz (NAME or NAME:VARIABLE), or text with \
      one label a line. svmlight text and tables have their own.
      """)
  var labels: String?

  @Option(help: "An image list or folder that gives each row its path and label, in this order.")
  var list: String?

  @Option(help: "The variable that holds the features; default: the only matrix in FILE.")
  var variable: String?

  @Option(help: "The name of the store's layer: fc6, or any other.")
  var layer: String

  @Option(help: "The store to write: a new folder.")
  var output: String

  @Option(
    help: """
      What made the features. A classifier trained on one origin refuses features of another.
      """)
  var origin = ""

  @Option(help: "Values in a row of svmlight text, when more than its largest index.")
  var width: Int?

  @Option(help: "How the store holds the values.")
  var dtype = ElementType.float32

  @Flag(help: "Replace a store that is there.")
  var overwrite = false

  func validate() throws {
    if labels != nil && list != nil {
      throw ValidationError("--labels and --list both give labels; choose one.")
    }
    let stem = Self.fileStem(layer)
    let isSafe = stem.utf8.allSatisfy {
      UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20
        || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
        || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains($0)
    }
    if stem.isEmpty || stem.hasPrefix(".") || !isSafe || stem == "rows" || stem == "store" {
      throw ValidationError(
        "--layer \(layer): expected letters, digits, “-”, “_” and “.”, as it names a file.")
    }
  }

  func run() throws {
    let features = try FeatureFile(file, variable: variable, width: width)
    var labels = features.ownLabels
    var paths = features.ownPaths
    if let name = self.labels { labels = try features.labels(name) }
    if let list {
      let images = try ImageList(contentsOf: list)
      try features.check(labelCount: images.count, of: list)
      let entries = (0..<images.count).map { images[$0] }
      paths = entries.map(\.path)
      if images.hasLabels { labels = entries.map(\.label) }
    }
    let name = LayerName.resolved(layer)
    let job = StoreImport(
      features,
      layer: LayerSpec(name: name, fileStem: Self.fileStem(name), shape: [features.width]),
      origin: origin, dtype: dtype, labels: labels, paths: paths)
    let (failed, overflows, isNew) = try job.write(to: output, overwrite: overwrite)
    let variable = features.variable.map { ", variable \($0)" } ?? ""
    print(
      """
      read        \(file): \(features.format.rawValue)\(variable), SHA-256 \(features.sha256)
      rows        \(features.rowCount), \(failed) failed, \(job.labelledCount) labelled in \
      \(job.classes.count) classes
      layer       \(name) (\(features.width)), \(dtype.rawValue)
      """)
    if overflows > 0 {
      print("overflow    \(overflows) values are too large for float16, now infinite")
    }
    if labels == nil { print("note        no labels\(labelAdvice(features))") }
    print(
      "store       \(output)"
        + (isNew ? "" : " is there already, made by this import; --overwrite makes it again"))
  }

  /// Where the labels may be that nobody named.
  private func labelAdvice(_ features: FeatureFile) -> String {
    let candidates = features.labelCandidates.map { "--labels \($0)" }
    if !candidates.isEmpty {
      return "; \(file) has as many of them as rows: try \(candidates.joined(separator: " or "))"
    }
    let holds =
      features.contents.count > 1
      ? "; \(file) holds \(features.contents.joined(separator: ", "))" : ""
    return "\(holds); train and evaluate need them: give --labels FILE or --list FILE"
  }

  /// The name of a layer's files: `fc6-pre` for `fc6:pre`.
  private static func fileStem(_ layer: String) -> String {
    layer.hasSuffix(":pre") ? "\(layer.dropLast(4))-pre" : layer
  }
}
