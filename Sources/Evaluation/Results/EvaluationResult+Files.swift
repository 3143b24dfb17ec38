internal import FeatureStore
internal import Files
internal import Plotting
internal import Tensors

extension EvaluationResult {
  /// Writes everything into a folder, which is made if need be; files of earlier results there are
  /// replaced, those of another protocol's shape removed.
  ///
  /// - Returns: the names of the files.
  /// - Throws: `EvaluationError.cannotWrite`.
  package func write(to folder: String) throws(EvaluationError) -> [String] {
    var files: [(name: String, bytes: [UInt8]?)] = [
      ("table.txt", Array("\(text)\n".utf8)), ("cells.tsv", table),
      ("results.json", Array(json.prettyText.utf8)), ("splits.tsv", splitTable),
      ("confusion.tsv", confusionTable), ("confusion.svg", Array(confusion.svg.utf8)),
    ]
    files.append(("curve.svg", curve.map { Array($0.svg.utf8) }))
    do throws(SystemError) {
      try FileSystem.makeFolder(folder)
      for (name, bytes) in files {
        guard let bytes else {
          try FileSystem.removeFile("\(folder)/\(name)")
          continue
        }
        let file = try ReplacementFile("\(folder)/\(name)")
        try file.append(bytes)
        try file.commit()
      }
    } catch { throw .cannotWrite(error) }
    return files.filter { $0.bytes != nil }.map(\.name)
  }

  /// Fails now if `write` could not begin: better before hours of training than after.
  ///
  /// - Throws: `EvaluationError.cannotWrite`.
  package static func checkWritable(_ folder: String) throws(EvaluationError) {
    do throws(SystemError) {
      try FileSystem.makeFolder(folder)
      _ = try ReplacementFile("\(folder)/results.json")
    } catch { throw .cannotWrite(error) }
  }
}
