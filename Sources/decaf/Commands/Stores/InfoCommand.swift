internal import ArgumentParser
internal import Files

/// `decaf info`.
struct InfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Say what a file or folder is, at once.",
    discussion: """
      PATH is a store, complete or not, a classifier, a checkpoint, a weight file, results of decaf \
      evaluate, or a list of images. Headers and metadata are read, not the numbers: whether these are \
      sound, decaf verify and decaf model inspect tell. Of an unfinished store the rows that are \
      recorded are told, also while it is being written.

        decaf info images.store
        decaf info classifier.safetensors --json
      """)

  @Argument(help: "A file or folder.")
  var path: String

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let report = try InfoReport.of(path)
    try StandardOutput.write(Array((json ? report.json.prettyText : report.text + "\n").utf8))
  }
}
