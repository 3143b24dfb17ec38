/// Who holds the lock of an output, as written in its lock file.
package struct LockHolder: Equatable, Sendable, CustomStringConvertible {
  package let host: String
  package let processID: Int
  /// Drawn anew by every run, so that ranks can tell whether they see the same folder.
  ///
  /// A path is no proof: `/scratch/store` may be a disk of each node's own, where a worker would
  /// find, of an earlier run, files of the right names and sizes and write rows that nobody ever
  /// reads. Host and process do not tell either: numbers of processes come again after a restart.
  package let nonce: String

  package var description: String { "process \(processID) on host \(host)" }

  private static let magic = "decaf-lock"

  /// This process, with a fresh nonce.
  package static func current() -> LockHolder {
    let nonce = (0..<2).map { _ in String(UInt64.random(in: 1...UInt64.max), radix: 16) }
    return LockHolder(
      host: FileSystem.hostName, processID: FileSystem.processID,
      nonce: nonce.joined(separator: "-"))
  }

  package var bytes: [UInt8] { Array("\(Self.magic) \(nonce) \(processID) \(host)\n".utf8) }

  private init(host: String, processID: Int, nonce: String) {
    self.host = host
    self.processID = processID
    self.nonce = nonce
  }

  /// Nil when `bytes` are not a whole lock file.
  package init?(_ bytes: [UInt8]) {
    guard bytes.last == UInt8(ascii: "\n") else { return nil }
    let fields = String(decoding: bytes.dropLast(), as: UTF8.self)
      .split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false)
    guard fields.count == 4, fields[0] == Self.magic, let processID = Int(fields[2]) else {
      return nil
    }
    self.init(host: String(fields[3]), processID: processID, nonce: String(fields[1]))
  }

  /// Whether a file with these contents can be a lock, be it one that a lost power supply cut
  /// short: then overwriting it harms nobody.
  package static func mayHaveWritten(_ bytes: [UInt8]) -> Bool {
    let written = bytes.prefix { $0 != 0 }
    let magic = Array(magic.utf8)
    return written.count < magic.count ? magic.starts(with: written) : written.starts(with: magic)
  }
}
