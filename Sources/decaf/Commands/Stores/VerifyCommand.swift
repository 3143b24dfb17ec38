internal import ArgumentParser
internal import Extraction
internal import FeatureStore
internal import Files
internal import Tensors

/// `decaf verify`: reads a whole store and says whether it is what its manifest says.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that a store is complete and undamaged.",
    discussion: """
      Reads every file of the store: SHA-256 and NumPy header against store.json, the table of \
      rows, and that exactly the failed rows hold NaN. With --deep it computes some rows anew, from the \
      images, and compares every byte. Exits with 65 when the store is incomplete or anything is wrong.

        decaf verify images.store
        decaf verify images.store --deep 50 --model caffenet.safetensors
      """)

  @Argument(help: ArgumentHelp("The store's folder.", valueName: "store"), completion: .directory)
  var store: String

  @Option(
    help: """
      Compute so many rows anew, spread over the store, and compare them byte by byte. Model or codebook, \
      list and root are those of the store's last run, unless they are named.
      """)
  var deep: Int?

  @Option(help: "With --deep: the weights the store was made with.")
  var model: String?

  @Option(help: "With --deep: the codebook the store was made with, if it is of --descriptor llc.")
  var codebook: String?

  @OptionGroup var networkChoice: NetworkChoice

  @Option(help: "With --deep: the image list the store was made of.")
  var list: String?

  @Option(help: "With --deep: the folder that relative paths start from.")
  var root: String?

  @OptionGroup var result: ResultOptions

  @OptionGroup var threads: ThreadOptions<Reading>

  func validate() throws {
    try OptionRange.check("--deep", deep, atLeast: 1)
    let given = [model, codebook, list, root, networkChoice.network]
    if deep == nil, given.contains(where: { $0 != nil }) {
      throw ValidationError("--model, --codebook, --network, --list and --root go with --deep.")
    }
  }

  func run() throws {
    let team = threads.makeTeam()
    let audit = try StoreAudit(store, team: team)
    var report = VerifyReport(audit: audit)
    if let deep, audit.isSound { report.recomputation = try recompute(deep, team) }
    try result.show(report.json(store), text: report.text(store))
    if !report.isSound {
      throw StoreError.auditFailed(path: store, problemCount: report.problems.count)
    }
  }

  private func recompute(_ count: Int, _ team: ThreadTeam) throws -> RowRecomputation {
    let opened = try Store(store)
    // Of a descriptor's store the model is empty, and not looked at.
    guard let model = model ?? opened.recordedOption("model") else {
      throw ValidationError("--deep: no run of \(store) tells its model; name it by --model.")
    }
    guard let list = list ?? opened.recordedOption("list"), list != "-" else {
      throw ValidationError("--deep: no run of \(store) tells its list; name it by --list.")
    }
    var sources = RowRecomputation.Sources(model: model, list: list)
    sources.codebook = codebook ?? opened.recordedOption("codebook")
    sources.architecture = try networkChoice.architecture()
    // What a list's own folder is shows where it lies; a root that was given must be given again.
    sources.root = root ?? opened.recordedOption("root")
    return try RowRecomputation(of: opened, count, from: sources, team: team)
  }
}
