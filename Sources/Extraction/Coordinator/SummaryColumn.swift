/// A part of a rank's time: a column of the summary's table, and a member of `runs/NNNN.json`.
struct SummaryColumn: Sendable {
  /// At most six letters: eight columns, rank, host and images fill a line of 80.
  let name: String
  let key: String
  let seconds: @Sendable (WorkTiming) -> Double

  private init(
    _ name: String, _ key: String, _ seconds: @escaping @Sendable (WorkTiming) -> Double
  ) {
    (self.name, self.key, self.seconds) = (name, key, seconds)
  }

  /// Where a rank's time goes.
  static let all = [
    SummaryColumn("start", "startSeconds", \.startSeconds),
    SummaryColumn("read", "readWaitSeconds", \.readSeconds),
    SummaryColumn("decode", "decodeSeconds", \.decodeSeconds),
    SummaryColumn("resize", "transformSeconds", \.transformSeconds),
    SummaryColumn("engine", "computeSeconds", \.computeSeconds),
    SummaryColumn("rows", "rowSeconds", \.rowSeconds),
    SummaryColumn("write", "writeSeconds", \.writeSeconds),
    SummaryColumn("wait", "idleSeconds", \.idleSeconds),
  ]
}
