internal import FeatureStore
internal import Files

/// The trainings that an unfinished evaluation has done, as a file in its folder.
///
/// Two lines of JSON: `format`, `version`, `job` (the evaluation's identity) and `sha256` of the
/// second line; and the outcomes.
struct ProgressFile {
  let path: String

  static let name = "progress"
  private static let format = "decaf-evaluation-progress"
  private static let version = "1"

  /// In the results' folder.
  init(folder: String) { path = "\(folder)/\(Self.name)" }

  /// Writes the file; it takes the place of the one before when it is complete.
  ///
  /// - Throws: `EvaluationError.cannotWrite`.
  func save(_ outcomes: [Outcome], of identity: EvaluationIdentity) throws {
    let text = try Outcome.encoded(outcomes)
    let header = JSONValue.object([
      "format": .string(Self.format), "version": .string(Self.version), "job": identity.json,
      "sha256": .string(SHA256Digest(of: text).hexadecimal),
    ])
    do throws(SystemError) {
      let file = try ReplacementFile(path)
      try file.append(Array("\(header.compactText)\n".utf8))
      try file.append(text)
      try file.append([0x0a])
      try file.commit()
    } catch { throw EvaluationError.cannotWrite(error) }
  }

  /// Reads the file.
  ///
  /// - Returns: nil where there is none.
  /// - Throws: `EvaluationError.invalidProgress` for a damaged one, `.otherEvaluation` for that of
  ///   another evaluation.
  func load(of identity: EvaluationIdentity, taskCount: Int, classCount: Int) throws -> [Outcome]? {
    func invalid(_ reason: String) -> EvaluationError {
      .invalidProgress(path: path, reason: reason)
    }
    let bytes: [UInt8]
    do throws(SystemError) {
      if try FileSystem.byteCount(of: path) == nil { return nil }
      let file = try MappedFile(path)
      bytes = file.bytes(0..<file.byteCount)
    } catch { throw EvaluationError.unreadableProgress(error) }
    let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    guard lines.count == 3, let header = try? JSONValue(parsing: Array(lines[0])),
      header["format"] == .string(Self.format), let job = header["job"]
    else { throw invalid("it is not two lines of JSON of that format") }
    guard header["version"] == .string(Self.version) else {
      throw invalid("its version is not \(Self.version)")
    }
    let differences = identity.differences(from: job)
    if !differences.isEmpty {
      throw EvaluationError.otherEvaluation(path: path, differences: differences)
    }
    let text = Array(lines[1])
    guard header["sha256"] == .string(SHA256Digest(of: text).hexadecimal) else {
      throw invalid("its SHA-256 is not that of its contents: it is damaged")
    }
    guard let outcomes = try? Outcome.decoded(text),
      outcomes.allSatisfy({ $0.isPossible(taskCount: taskCount, classCount: classCount) }),
      Set(outcomes.map(\.task)).count == outcomes.count
    else { throw invalid("it holds outcomes that this evaluation cannot have") }
    return outcomes
  }
}
