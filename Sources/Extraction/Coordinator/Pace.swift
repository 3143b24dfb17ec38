internal import Files

/// How many rows were recorded by when: what `runs/NNNN.json` keeps of a run's speed over time.
///
/// Holds a bounded number of moments, whatever the run's length: when there are too many, every other
/// one goes, and from then on they are twice as far apart.
struct Pace: Sendable {
  /// Seconds since the first batch was handed out, and rows recorded until then; ascending.
  private(set) var moments: [(seconds: Double, rows: Int)] = []
  private var interval = 0.25

  static let most = 240

  /// Notes that `rows` rows are recorded after `seconds`.
  mutating func note(rows: Int, at seconds: Double) {
    if let last = moments.last, seconds - last.seconds < interval { return }
    moments.append((seconds, rows))
    if moments.count < Self.most { return }
    moments = moments.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
    interval *= 2
  }

  /// The moments and the end, `[[seconds, rows], …]`, to milliseconds.
  func json(rows: Int, at seconds: Double) -> JSONValue {
    // What came after the last moment is told by the end.
    let all = moments.filter { $0.seconds < seconds } + [(seconds, rows)]
    return .array(
      all.map { .array([.number(($0.0 * 1000).rounded() / 1000), .number(Double($0.1))]) })
  }
}
