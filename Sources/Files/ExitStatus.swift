/// How the program ends; the numbers are those of BSD's sysexits.h.
package enum ExitStatus: Int32, Sendable, Comparable {
  case done = 0
  /// Wrong usage.
  case usage = 64
  /// Unreadable list or model, every image failed, an incomplete or damaged store.
  case badInput = 65
  /// A defect, or a rank that failed.
  case internalFailure = 70
  /// The output cannot be written, is locked, or belongs to another job.
  case cannotCreate = 73
  /// Stopped early with everything so far kept; the same command line continues.
  case stoppedEarly = 75

  /// The status that stands for an error: its own, or `internalFailure` for one that has none.
  package init(of error: any Error) {
    self = (error as? any ErrorWithStatus)?.exitStatus ?? .internalFailure
  }

  package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// An error that says how the program ends when nothing catches it.
package protocol ErrorWithStatus: Error {
  var exitStatus: ExitStatus { get }
}
