internal import Classification
internal import Communication

extension CommandContext {
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
