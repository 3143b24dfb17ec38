internal import ArgumentParser
internal import Extraction

/// The child that tries one suspect image; see `ImageProbe`. Not for people, so not in the help.
struct ProbeImageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: ImageProbe.subcommand, shouldDisplay: false)

  func run() throws { try ImageProbe.runChild() }
}
