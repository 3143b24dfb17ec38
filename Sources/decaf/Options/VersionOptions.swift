internal import ArgumentParser

/// `--version`, of every command: the parser's own flag takes no second word.
struct VersionOptions: ParsableArguments {
  @Flag(help: "Show the version.")
  var version = false

  @Flag(
    help: """
      With --version: also the commit, the compiler, the MPI library and the kernels.
      """)
  var verbose = false

  func validate() throws {
    if version { throw CleanExit.message(verbose ? Version.text : Version.number) }
    if verbose { throw ValidationError("--verbose goes with --version.") }
  }
}
