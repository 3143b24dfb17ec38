internal import Evaluation
internal import FeatureStore
internal import Files
internal import Formats
internal import NetworkTraining

/// What `decaf report` is given: known by what is in it, not by its name.
enum ReportSource {
  case store(Store)
  case results(RecordedResults)
  case classifier(path: String)
  case predictions(PredictionRecord)
  case history(TrainingHistory)

  /// - Throws: `ReportError.unknown` for anything else; errors of the modules for what is damaged.
  static func open(_ path: String) throws -> ReportSource {
    guard let byteCount = try FileSystem.byteCount(of: path) else {
      throw SystemError.missing(path)
    }
    if FileSystem.isFolder(path) {
      if try StoreInspection.of(path) != nil { return .store(try Store(path)) }
      if try FileSystem.byteCount(of: "\(path)/results.json") != nil {
        return .results(try RecordedResults(path))
      }
      throw ReportError.unknown(path: path)
    }
    let file = try MappedFile(path)
    if SafetensorsFile.isSafetensors(file) { return try safetensors(path) }
    let start = file.bytes(0..<min(byteCount, 1 << 12))
    if start.starts(with: PredictionRecord.header) {
      return .predictions(try PredictionRecord(file))
    }
    if start.starts(with: EpochRecord.header.utf8) { return .history(try TrainingHistory(file)) }
    throw ReportError.unknown(path: path)
  }

  private static func safetensors(_ path: String) throws -> ReportSource {
    if try SafetensorsFile(path).metadata["format"] == "decaf-classifier" {
      return .classifier(path: path)
    }
    // What trained a network left its history beside it.
    let history = TrainingHistory.path(of: path)
    guard try FileSystem.byteCount(of: history) != nil else {
      throw ReportError.noHistory(path: path, expected: history)
    }
    return .history(try TrainingHistory(try MappedFile(history)))
  }
}

/// Why a page cannot be made.
enum ReportError: ErrorWithStatus, Equatable, CustomStringConvertible {
  case unknown(path: String)
  case noHistory(path: String, expected: String)
  /// A table that is not as this program writes it.
  case damagedTable(path: String, line: Int)

  var description: String {
    switch self {
    case .unknown(let path):
      "\(path) is nothing that a report is made of: expected a store, a folder of decaf evaluate, a "
        + "classifier, a table of decaf predict, or a trained network's history; decaf info says what it is"
    case .noHistory(let path, let expected):
      "\(path) is a network, and \(expected), its training's history, is not there; decaf model inspect "
        + "tells about networks"
    case .damagedTable(let path, let line):
      "\(path): line \(line) is not as decaf writes it; make the table again"
    }
  }

  var exitStatus: ExitStatus { .badInput }
}
