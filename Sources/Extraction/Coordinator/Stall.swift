internal import Files
internal import Foundation

/// A worker has got no further with its images for longer than `--stall-timeout`.
struct Stall: Error {
  let seconds: Double
  /// The ranks that have work and get no further, with the rows they are at.
  let workers: [(rank: Int, rows: Range<Int>)]
}

/// How long a stop may take; together with journal and closing, less than 20 seconds.
enum StopLimits {
  /// Seconds for the images in hand, after which they are handed back.
  static let image = 15.0
  /// Seconds after which a rank that has not answered is not waited for.
  static let answer = 17.0
}

/// After a stop some ranks have said nothing of what they were given.
struct UnansweredStop: ErrorWithStatus, CustomStringConvertible {
  let reason: String
  let ranks: [(rank: Int, host: String)]

  var description: String {
    let names = ranks.prefix(8).map { "rank \($0.rank) on \($0.host)" }
    let more = ranks.count > 8 ? ["and \(ranks.count - 8) more"] : []
    return """
      stopped by \(reason); no answer within \(Int(StopLimits.answer)) s from \
      \((names + more).joined(separator: ", ")); what was finished is recorded, the same command \
      continues
      """
  }

  var exitStatus: ExitStatus { .stoppedEarly }
}

/// Rows have arrived, and the store's disk does not take them.
struct SilentDisk: ErrorWithStatus, CustomStringConvertible {
  let path: String
  let seconds: Double

  var description: String {
    """
    rows have waited for \(seconds.formatted()) s to be written into \(path), and nothing was: is its \
    disk, or its file server, well? recorded rows are kept, the same command continues
    """
  }

  var exitStatus: ExitStatus { .stoppedEarly }
}
