internal import Files
internal import Foundation
internal import Images

/// Deliberate faults, for tests of what the program survives; none unless the environment asks.
///
/// - `DECAF_FAULT_CRASH=TEXT`: a process that decodes an image whose path contains TEXT dies of
///   SIGSEGV, as a defect in a decoder would make it.
/// - `DECAF_FAULT_HANG=TEXT`: the thread that decodes such an image never returns, as on a file
///   server that stopped answering.
/// - `DECAF_FAULT_UNREADABLE=HOST:TEXT`: on HOST (every host where it is empty) no file whose path
///   contains TEXT can be read, as where a mount is missing.
/// - `DECAF_FAULT_DELAY=MILLISECONDS`: every image takes so much longer, for tests that interrupt a
///   job before it is over.
package struct FaultInjection: Sendable {
  private let crash: [UInt8]?
  private let hang: [UInt8]?
  private let unreadable: (host: String, text: [UInt8])?
  private let delayMilliseconds: UInt32

  package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    crash = environment["DECAF_FAULT_CRASH"].map { Array($0.utf8) }
    hang = environment["DECAF_FAULT_HANG"].map { Array($0.utf8) }
    unreadable = environment["DECAF_FAULT_UNREADABLE"].flatMap { value in
      let parts = value.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      return parts.count == 2 ? (String(parts[0]), Array(parts[1].utf8)) : nil
    }
    delayMilliseconds = environment["DECAF_FAULT_DELAY"].flatMap { UInt32($0) } ?? 0
  }

  /// Whether the file is one that this host is not to read.
  func hides(_ location: ByteString, on host: String) -> Bool {
    guard let unreadable else { return false }
    return (unreadable.host.isEmpty || unreadable.host == host)
      && (unreadable.text.isEmpty || location.bytes.contains(unreadable.text))
  }

  /// What reading a hidden file ends with.
  static let hidden = ImageError.unreadable(operation: "open", code: ESTALE)

  func strike(_ location: ByteString) {
    PausePoint.reach(location)
    if let crash, location.bytes.contains(crash) {
      signal(SIGSEGV, SIG_DFL)
      raise(SIGSEGV)
    }
    if let hang, location.bytes.contains(hang) {
      while true { sleep(3600) }
    }
    if delayMilliseconds > 0 { usleep(delayMilliseconds * 1000) }
  }
}
