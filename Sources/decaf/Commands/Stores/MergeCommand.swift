internal import ArgumentParser
internal import FeatureStore
internal import Files
internal import Tensors

/// `decaf merge`.
struct MergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge",
    abstract: "Join stores of one recipe, as if their lists were one.",
    discussion: """
      The rows follow each other in the order given; labels of one name are one class. The stores must \
      have the same layers, numbers, model, transform and kernel class; what differs is named (65). \
      Every file is compared with its hashes before it is copied. Started again, the same command \
      continues.

        decaf merge part-0.store part-1.store part-2.store --output images.store
      """)

  @Argument(help: "Stores, in the order of their rows.", completion: .directory)
  var stores: [String]

  @OptionGroup var copy: CopyOptions

  func validate() throws {
    if stores.isEmpty { throw ValidationError("Give the stores to join.") }
  }

  func run() throws {
    let stores = try stores.map { try Store($0) }
    PausePoint.inputsAreOpen()
    try copy.run(stores.map { StorePart($0) })
  }
}

/// What `decaf merge` and `decaf subset` have in common: the copying of rows into a new store.
struct CopyOptions: ParsableArguments {
  @Option(help: "The store to write: a new folder.")
  var output: String

  @Option(help: "Rows in one file of a layer; default: all.")
  var rowsPerShard: Int?

  @Flag(help: "Replace OUTPUT, if it is another store; else that ends with status 73.")
  var overwrite = false

  @OptionGroup var threads: ThreadOptions<Reading>

  func validate() throws {
    try OptionRange.check("--rows-per-shard", rowsPerShard, in: OptionRange.rows)
  }

  /// Writes the store and prints what is in it.
  ///
  /// - Throws: `StoreError`.
  func run(_ parts: [StorePart]) throws {
    let join = try StoreJoin(parts, rowsPerShard: rowsPerShard)
    let outcome = try join.write(to: output, overwrite: overwrite, team: threads.makeTeam())
    let end =
      outcome.isNew ? "" : " is there already, made by this command; --overwrite makes it again"
    let sources = parts.map { "\($0.store.path) (\($0.rowCount))" }
    print(
      """
      from        \(sources.joined(separator: ", "))
      rows        \(join.rowCount), \(outcome.failedCount) failed, \(join.classes.count) classes
      layers      \(join.provenance.layers.map { "\($0.name) (\($0.width))" }.joined(separator: ", ")), \
      \(join.provenance.dtype.rawValue)
      store       \(output)\(end)
      """)
  }
}
