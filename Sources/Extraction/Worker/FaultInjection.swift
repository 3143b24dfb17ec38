internal import Files
internal import Foundation
internal import Images
internal import Synchronization

/// Deliberate faults, for tests of what the program survives; none unless the environment asks.
///
/// - `DECAF_FAULT_CRASH=TEXT`: a process that decodes an image whose path contains TEXT dies of
///   SIGSEGV, as a defect in a decoder would make it.
/// - `DECAF_FAULT_CRASH_COUNT=FILE:N`: only the first N times, of all processes together; FILE has a
///   byte for each.
/// - `DECAF_FAULT_CRASH_SIGNAL=N`: of this signal in place of SIGSEGV.
/// - `DECAF_FAULT_HANG=TEXT`: the thread that decodes such an image never returns, as on a file
///   server that stopped answering.
/// - `DECAF_FAULT_UNREADABLE=HOST:TEXT`: on HOST (every host where it is empty) no file whose path
///   contains TEXT can be read, as where a mount is missing.
/// - `DECAF_FAULT_UNREADABLE_AFTER=N`: but for the first N of them that a process reads, as where a mount
///   goes away.
/// - `DECAF_FAULT_DELAY=MILLISECONDS`: every image takes so much longer, for tests that interrupt a
///   job before it is over.
package struct FaultInjection: Sendable {
  private let crash: [UInt8]?
  private let crashLimit: (tally: String, count: Int)?
  private let crashSignal: Int32
  private let hang: [UInt8]?
  private let unreadable: (host: String, text: [UInt8])?
  private let hidden: HiddenFiles
  private let delayMilliseconds: UInt32

  /// Files that are to be hidden, counted.
  private final class HiddenFiles: Sendable {
    let left: Atomic<Int>
    init(first: Int) { left = Atomic(first) }
  }

  package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    crash = environment["DECAF_FAULT_CRASH"].map { Array($0.utf8) }
    crashLimit = environment["DECAF_FAULT_CRASH_COUNT"].flatMap { text in
      let parts = text.split(separator: ":")
      return parts.count == 2 ? Int(parts[1]).map { (String(parts[0]), $0) } : nil
    }
    crashSignal = environment["DECAF_FAULT_CRASH_SIGNAL"].flatMap { Int32($0) } ?? SIGSEGV
    hang = environment["DECAF_FAULT_HANG"].map { Array($0.utf8) }
    unreadable = environment["DECAF_FAULT_UNREADABLE"].flatMap { value in
      let parts = value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      return parts.count == 2 ? (String(parts[0]), Array(parts[1].utf8)) : nil
    }
    hidden = HiddenFiles(
      first: environment["DECAF_FAULT_UNREADABLE_AFTER"].flatMap { Int($0) } ?? 0)
    delayMilliseconds = environment["DECAF_FAULT_DELAY"].flatMap { UInt32($0) } ?? 0
  }

  /// Whether the file is one that this host is not to read.
  func hides(_ location: ByteString, on host: String) -> Bool {
    guard let unreadable else { return false }
    guard unreadable.host.isEmpty || unreadable.host == host,
      unreadable.text.isEmpty || location.bytes.contains(unreadable.text)
    else { return false }
    return hidden.left.wrappingSubtract(1, ordering: .relaxed).newValue < 0
  }

  /// What reading a hidden file ends with.
  static let hidden = ImageError.unreadable(operation: "open", code: ESTALE)

  func strike(_ location: ByteString) {
    PausePoint.reach(location)
    if let crash, location.bytes.contains(crash), isAnotherCrashDue() {
      signal(crashSignal, SIG_DFL)
      raise(crashSignal)
    }
    if let hang, location.bytes.contains(hang) {
      while true { sleep(3600) }
    }
    if delayMilliseconds > 0 { usleep(delayMilliseconds * 1000) }
  }

  /// Counts a crash in, unless there have been enough.
  private func isAnotherCrashDue() -> Bool {
    guard let crashLimit else { return true }
    guard let tally = try? PositionedFile(crashLimit.tally, .update),
      let count = try? tally.byteCount(), count < crashLimit.count
    else { return false }
    return (try? tally.write([1], at: count)) != nil
  }
}
