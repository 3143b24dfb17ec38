internal import ArgumentParser
internal import Communication
internal import FeatureStore
internal import Tensors

/// `--check` of commands that read stores: opening one compares sizes and the table of rows alone.
struct StoreCheckOptions: ParsableArguments {
  @Flag(help: "Read all of each store first and compare its hashes.")
  var check = false

  /// Hashes the stores where that was asked for; each rank its own part of their files. Collective.
  ///
  /// - Throws: `JobFailure` for a store that is damaged.
  func run(_ stores: [Store], _ context: CommandContext, _ team: ThreadTeam) throws {
    guard check else { return }
    try context.communicator.agree {
      for store in stores {
        try store.checkHashes(
          part: context.communicator.rank, of: context.communicator.size, team: team)
      }
    }
  }

  /// Hashes the store where that was asked for.
  ///
  /// - Throws: `StoreError.damaged`.
  func run(_ store: Store, _ team: ThreadTeam) throws {
    if check { try store.checkHashes(team: team) }
  }
}
