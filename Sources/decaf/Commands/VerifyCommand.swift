import ArgumentParser
import FeatureStore
import Foundation
import Tensors

/// `decaf verify`: reads a whole store and says whether it is what its manifest says.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that a store is complete and undamaged.",
    discussion: """
      Reads every file of the store: SHA-256 and NumPy header against store.json, the table of \
      rows, and that exactly the failed rows hold NaN. Exits with 65 when the store is incomplete \
      or anything is wrong.
      """)

  @Argument(help: ArgumentHelp("The store's folder.", valueName: "store"), completion: .directory)
  var store: String

  @Option(help: "Threads to read with; by default as many as there are processors.")
  var threads: Int?

  func validate() throws {
    try ThreadCount.check(threads)
  }

  func run() throws {
    let team = ThreadTeam(threadCount: threads ?? ProcessInfo.processInfo.activeProcessorCount)
    let audit = try StoreAudit(store, team: team)
    for line in audit.summary { print(line) }
    for note in audit.notes { print("note: \(note)") }
    for problem in audit.problems { print("damaged: \(problem)") }
    if !audit.isSound {
      throw StoreError.auditFailed(path: store, problemCount: audit.problems.count)
    }
    print("store \(store) is complete and undamaged")
  }
}
