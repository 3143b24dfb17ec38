internal import ArgumentParser
internal import Files

/// The root of all subcommands.
struct Decaf: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decaf",
    abstract: "Deep convolutional activation features (DeCAF) at scale.",
    discussion: """
      Extracts activations of AlexNet-family networks (pool5, fc6, fc7) from lists of images into a \
      store, and trains linear classifiers on them. Start it alone, or on many ranks:

        mpirun -np 8 decaf extract images.txt --model caffenet.caffemodel --output images.store

      The same command with any number of ranks gives the same bytes, and started again after an \
      interruption it continues.

      Exit status: 0 done; 64 wrong usage; 65 bad input data; 70 internal failure; 73 output cannot \
      be written, is locked, or belongs to another job; 75 stopped early, the same command continues.
      """,
    subcommands: [
      ExtractCommand.self, TrainCommand.self, PredictCommand.self, ClassifyCommand.self,
      EvaluateCommand.self, EmbedCommand.self, ProfileCommand.self, ModelCommand.self,
      ListCommand.self, VerifyCommand.self, ImportCommand.self, ExportCommand.self,
      ProbeImageCommand.self,
    ])

  @OptionGroup var version: VersionOptions
}

/// A command that all ranks run together.
///
/// It also runs as a plain process, on an in-process communicator of one rank.
protocol DistributedCommand: ParsableCommand {
  /// Says what the command would do, and does nothing.
  var isDryRun: Bool { get }

  /// Does the command's work; collective.
  ///
  /// - Returns: the exit status; rank 0's counts.
  /// - Throws: `JobFailure` where all ranks know; any other error ends the whole job at once.
  func run(in context: CommandContext) throws -> ExitStatus

  /// Prints what `run(in:)` would do, without a launcher.
  func printPlan() throws
}

/// Options of every distributed command.
struct RunOptions: ParsableArguments {
  @Option(help: "Threads on each rank; default: its processors, shared fairly between ranks.")
  var threads: Int?

  @Flag(name: .customLong("dry-run"), help: "Say what would be done, and do nothing.")
  var isDryRun = false

  @Option(help: "A YAML file of options; the command line wins.")
  var config: String?

  func validate() throws {
    try ThreadCount.check(threads)
  }
}
