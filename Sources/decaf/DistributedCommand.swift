internal import ArgumentParser
internal import Files

/// A command that all ranks run together.
///
/// It also runs as a plain process, on an in-process communicator of one rank.
protocol DistributedCommand: ParsableCommand {
  /// Says what the command would do, and does nothing.
  var isDryRun: Bool { get }

  /// Whether a request to stop is answered by keeping what is done, with status 75; else a signal ends
  /// the process as it ends any other.
  static var stopsInOrder: Bool { get }

  /// Does the command's work; collective.
  ///
  /// - Returns: the exit status; rank 0's counts.
  /// - Throws: `JobFailure` where all ranks know; any other error ends the whole job at once.
  func run(in context: CommandContext) throws -> ExitStatus

  /// Prints what `run(in:)` would do, without a launcher.
  func printPlan() throws
}

extension DistributedCommand {
  static var stopsInOrder: Bool { false }
}
