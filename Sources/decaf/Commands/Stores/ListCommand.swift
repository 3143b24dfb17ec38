internal import ArgumentParser
internal import Communication
internal import Images

/// `decaf list`.
struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Print the image list of a folder of class folders.",
    discussion: """
      The list is tab-separated with a header (path, label), sorted by bytes; paths are relative to \
      FOLDER. `decaf extract FOLDER` uses the same list. Keep it in a file to edit it:

        decaf list images > images/list.tsv
      """)

  @Argument(help: "A folder with one folder a class.")
  var folder: String

  func run() throws {
    let folders = try ClassFolders(folder)
    for note in folders.notes { StandardError.write("decaf list: \(folder): \(note)\n") }
    if folders.isEmpty { throw ImageListError.empty(path: folder, isFolder: true) }
    try StandardOutput.write(folders.canonicalText)
  }
}
