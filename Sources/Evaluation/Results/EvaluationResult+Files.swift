internal import FeatureStore
internal import Files
internal import Plotting
internal import Tensors

extension EvaluationResult {
  /// The names of the files, in the order they are written: `results.json` says that all are there.
  var fileNames: [String] {
    ["table.txt", "cells.tsv", "splits.tsv", "confusion.tsv", "confusion.svg"]
      + (curve == nil ? [] : ["curve.svg"]) + ["results.json"]
  }

  /// Writes everything into a folder, which is made if need be, and removes what an unfinished
  /// evaluation keeps there.
  ///
  /// - Parameter replaces: whether results of another evaluation may be there, whose curve does not
  ///   belong to these.
  /// - Returns: the names of the files.
  /// - Throws: `EvaluationError.cannotWrite`.
  package func write(to folder: String, replaces: Bool = false) throws(EvaluationError) -> [String]
  {
    do throws(SystemError) {
      try FileSystem.makeFolder(folder)
      if replaces, curve == nil { try Self.removePicture("\(folder)/curve.svg") }
      for name in fileNames {
        let file = try ReplacementFile("\(folder)/\(name)")
        try file.append(contents(name))
        try file.commit()
      }
    } catch { throw .cannotWrite(error) }
    try ResultsFolder(folder).removeUnfinished()
    return fileNames
  }

  private func contents(_ name: String) -> [UInt8] {
    switch name {
    case "table.txt": Array("\(text)\n".utf8)
    case "cells.tsv": table
    case "results.json": Array(json.prettyText.utf8)
    case "splits.tsv": splitTable
    case "confusion.tsv": confusionTable
    case "confusion.svg": Array(confusion.svg.utf8)
    case "curve.svg": curve.map { Array($0.svg.utf8) } ?? []
    default: preconditionFailure("no result is called \(name)")
    }
  }

  /// Removes a picture that this program has drawn, and no other.
  private static func removePicture(_ path: String) throws(SystemError) {
    guard try FileSystem.byteCount(of: path) != nil else { return }
    let start = try PositionedFile(path, .read).read(PictureMark.reach, at: 0)
    if PictureMark.isIn(start) { try FileSystem.removeFile(path) }
  }
}
