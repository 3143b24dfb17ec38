internal import ArgumentParser

/// `--version`, of every command: the parser's own flag would gather the facts before anyone asks.
struct VersionOptions: ParsableArguments {
  @Flag(help: "Show the version, the commit, the compiler, MPI, BLAS and the kernels.")
  var version = false

  /// Goes with `--version`, as people are used to from other programs; all is said without it.
  @Flag(help: .hidden)
  var verbose = false

  func validate() throws {
    if version { throw CleanExit.message(Version.text) }
    if verbose { throw ValidationError("--verbose goes with --version.") }
  }
}
