import ArgumentParser
import FeatureStore

/// `decaf verify`: reads a whole store and says whether it is what its manifest says.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that a store is complete and undamaged.",
    discussion: """
      Reads every file of the store: SHA-256 and NumPy header against store.json, the table of \
      rows, and that exactly the failed rows hold NaN. Exits with 65 when the store is incomplete \
      or anything is wrong.

        decaf verify images.store
      """)

  @Argument(help: ArgumentHelp("The store's folder.", valueName: "store"), completion: .directory)
  var store: String

  @OptionGroup var threads: ThreadOptions<Reading>

  func run() throws {
    let audit = try StoreAudit(store, team: threads.makeTeam())
    for line in audit.summary { print(line) }
    for note in audit.notes { print("note: \(note)") }
    for problem in audit.problems { print("damaged: \(problem)") }
    if !audit.isSound {
      throw StoreError.auditFailed(path: store, problemCount: audit.problems.count)
    }
    print("store \(store) is complete and undamaged")
  }
}
