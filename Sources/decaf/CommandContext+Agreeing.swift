internal import Classification
internal import Communication
internal import Files

extension CommandContext {
  /// Ends the job where any rank finds one of its inputs changed: to be called before a result counts.
  /// Collective; each rank looks at the files as it opened them.
  ///
  /// - Throws: `JobFailure`.
  func requireUnchanged(_ inputs: [InputFile]) throws {
    try communicator.agree { try inputs.requireUnchanged() }
  }

  /// Runs `body`, which uses these files; what it fails of is told as a change of one of them, if one
  /// has changed: a damaged store, features that are no numbers.
  func using<Result>(_ inputs: [InputFile], _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let failure as any ErrorWithStatus {
      if failure.exitStatus == .stoppedEarly { throw failure }
      do { try inputs.requireUnchanged() } catch {
        // Where all ranks know of the failure, all end together.
        throw failure is JobFailure
          ? JobFailure(exitStatus: error.exitStatus, description: "\(error)") : error
      }
      throw failure
    }
  }

  /// Runs a collective step whose own errors all ranks meet together.
  ///
  /// - Throws: `JobFailure` for a `ClassificationError`, which every rank throws; any other error as
  ///   it is.
  func agreeing<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as ClassificationError where error.isCollective {
      throw JobFailure(exitStatus: error.exitStatus, description: "\(error)")
    }
  }
}
