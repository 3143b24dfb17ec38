package import Files

/// The folder that an evaluation writes its results into, and what is in it.
package struct ResultsFolder {
  package let path: String

  /// What an evaluation finds there.
  package enum State: Equatable, Sendable {
    /// No result, nor anything that one would replace.
    case free
    /// What this evaluation has done when it was stopped.
    case unfinished
    /// The results of this very evaluation: the table, trainings above the tolerance, and those of
    /// which more than half is unproved.
    case finished(table: String, unconverged: Int, unproved: Int)
    /// A file that the results would replace.
    case other(name: String)
  }

  package init(_ path: String) { self.path = path }

  /// Names of results; a protocol without a learning curve has no `curve.svg`.
  static let names = [
    "table.txt", "cells.tsv", "results.json", "splits.tsv", "confusion.tsv", "confusion.svg",
    "curve.svg",
  ]

  /// The evaluation is part of the name: a host that does not share the folder may have kept another's.
  static func checkpointName(of task: EvaluationTask, job: String) -> String {
    "training-\(job.prefix(8))-\(task.number).checkpoint"
  }

  private static func isCheckpoint(_ name: String) -> Bool {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    return parts.count == 3 && parts[0] == "training"
      && parts[1].count == 8 && parts[1].allSatisfy(\.isHexDigit)
      && parts[2].hasSuffix(".checkpoint") && Int(parts[2].dropLast(".checkpoint".count)) != nil
  }

  /// What is there.
  ///
  /// - Throws: `EvaluationError.otherEvaluation` where another evaluation is unfinished, and what
  ///   else reading its file throws; `.cannotWrite` where the path is no folder.
  package func state(of identity: EvaluationIdentity, evaluator: Evaluator) throws -> State {
    let found: [String]
    do throws(SystemError) {
      if try FileSystem.byteCount(of: path) == nil { return .free }
      found = try FileSystem.names(in: path)
    } catch { throw EvaluationError.cannotWrite(error) }
    if let results = try finished(identity) { return results }
    if try evaluator.unfinishedOutcomes(in: path, of: identity) != nil { return .unfinished }
    let own = found.first { Self.names.contains($0) || Self.isCheckpoint($0) }
    return own.map { .other(name: $0) } ?? .free
  }

  /// The results of this evaluation, when they are there in full: `results.json` is written last.
  private func finished(_ identity: EvaluationIdentity) throws -> State? {
    guard let json = try? JSONValue(parsing: contents("results.json")),
      json["job"] == .string(identity.job),
      let unconverged = json["unconverged"]?.count, let unproved = json["unproved"]?.count,
      case .array(let files)? = json["files"],
      files.allSatisfy({ name in
        guard case .string(let name) = name else { return false }
        return ((try? FileSystem.byteCount(of: "\(path)/\(name)")) ?? nil) != nil
      })
    else { return nil }
    let table = String(decoding: try contents("table.txt"), as: UTF8.self)
    return .finished(table: table, unconverged: unconverged, unproved: unproved)
  }

  /// The results that are there, as `EvaluationResult.json` has them.
  ///
  /// - Throws: `SystemError`, `ProblemError`.
  package var json: JSONValue {
    get throws { try JSONValue(parsing: contents("results.json")) }
  }

  private func contents(_ name: String) throws(SystemError) -> [UInt8] {
    let file = try MappedFile("\(path)/\(name)")
    return file.bytes(0..<file.byteCount)
  }

  /// Removes what an unfinished evaluation keeps there.
  ///
  /// - Throws: `EvaluationError.cannotWrite`.
  func removeUnfinished() throws(EvaluationError) {
    do throws(SystemError) {
      for name in try FileSystem.names(in: path)
      where name == ProgressFile.name || Self.isCheckpoint(name) {
        try FileSystem.removeFile("\(path)/\(name)")
      }
    } catch { throw .cannotWrite(error) }
  }

  /// Fails now if results could not be written: better before hours of training than after.
  ///
  /// - Throws: `EvaluationError.cannotWrite`.
  package func checkWritable() throws(EvaluationError) {
    do throws(SystemError) {
      try FileSystem.makeFolder(path)
      _ = try ReplacementFile("\(path)/results.json")
    } catch { throw .cannotWrite(error) }
  }
}
