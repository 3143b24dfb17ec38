internal import ArgumentParser

/// Options of every distributed command.
struct RunOptions: ParsableArguments {
  @Option(help: "Threads on each rank; default: its processors, shared fairly between ranks.")
  var threads: Int?

  @Flag(name: .customLong("dry-run"), help: "Say what would be done, and do nothing.")
  var isDryRun = false

  @Option(help: "A YAML file of options; the command line wins.")
  var config: String?

  func validate() throws {
    try OptionRange.check("--threads", threads, in: OptionRange.threads)
  }
}
