internal import FeatureStore

/// Rows whose files could not be read: which are tried again where, and which have no hope left.
///
/// A file that one host cannot read says more of the host than of the file: a mount that is missing, a
/// server that does not answer. So it is tried once more by a rank on another host, where there is one.
/// A value that knows nothing of messages; rows are recorded by nobody while they are here.
struct UnreadableRows {
  /// A host that fails at what others read.
  struct Stray: Equatable {
    let host: String
    /// Files in a row that it could not read and others could.
    let count: Int
    let example: RowException
  }

  private struct Attempt {
    let host: String
    /// Of the host, see `Host.streak`.
    let streak: Int
    let exception: RowException
  }

  private struct Host {
    /// Grows whenever the host reads a file: what it failed at before is then no row of failures.
    var streak = 0
    /// Files of this streak that others read.
    var readElsewhere = 0
  }

  /// By rank; ranks that do not work are not there.
  private let hostOfRank: [Int: String]
  private let batchSize: Int
  private var hosts: [String: Host] = [:]
  /// Rows to be handed out again, and the host that could not read them.
  private var waiting: [(rows: Range<Int>, host: String)] = []
  /// Rows that wait for a second attempt, or are in one.
  private var attempts: [Int: Attempt] = [:]
  /// Rows that no host can read, each with the message of the last attempt.
  private(set) var hopeless: [Int: String] = [:]
  /// Most messages come many times.
  private var messages: [String: String] = [:]
  /// Files that a host could not read and another could, by host.
  private(set) var countsReadElsewhere: [String: Int] = [:]
  private(set) var stray: Stray?

  /// So many in a row are no accident.
  static let strayLimit = 50

  init(hostOfRank: [Int: String], batchSize: Int) {
    self.hostOfRank = hostOfRank
    self.batchSize = batchSize
  }

  /// Nothing is to be handed out again.
  var isEmpty: Bool { waiting.isEmpty }

  /// Takes in what a rank made of a batch.
  ///
  /// - Parameters:
  ///   - read: rows whose files it could read.
  ///   - unreadable: rows of which it could not, ascending.
  /// - Returns: those of them that nobody will read.
  mutating func note(
    read: [Range<Int>], unreadable: [RowException], from rank: Int
  ) -> [RowException] {
    let host = hostOfRank[rank] ?? ""
    if !attempts.isEmpty {
      for row in read.joined() where attempts[row] != nil { creditOthers(row) }
    }
    if !read.allSatisfy(\.isEmpty) {
      hosts[host, default: Host()].streak += 1
      hosts[host]!.readElsewhere = 0
    }
    var lost: [RowException] = []
    for exception in unreadable {
      let row = exception.row
      if attempts[row] == nil, hostOfRank.values.contains(where: { $0 != host }) {
        attempts[row] = Attempt(
          host: host, streak: hosts[host]?.streak ?? 0, exception: exception)
        wait(row, host)
      } else {
        attempts[row] = nil
        hopeless[row] = shared(exception.message)
        lost.append(exception)
      }
    }
    return lost
  }

  /// Rows for this rank to try again, nil when there are none that another host had.
  mutating func next(for rank: Int) -> Range<Int>? {
    guard let index = waiting.firstIndex(where: { $0.host != hostOfRank[rank] }) else { return nil }
    return waiting.remove(at: index).rows
  }

  /// The rows that nobody can read, ascending, each with its message.
  var hopelessRows: [RowException] {
    hopeless.sorted { $0.key < $1.key }.map {
      RowException(row: $0.key, status: .failed, message: $0.value)
    }
  }

  /// Notes that a row was read after another host had failed at it.
  private mutating func creditOthers(_ row: Int) {
    let attempt = attempts.removeValue(forKey: row)!
    countsReadElsewhere[attempt.host, default: 0] += 1
    guard var host = hosts[attempt.host] ?? (attempt.streak == 0 ? Host() : nil),
      host.streak == attempt.streak
    else { return }
    host.readElsewhere += 1
    hosts[attempt.host] = host
    if host.readElsewhere >= Self.strayLimit, stray == nil {
      stray = Stray(
        host: attempt.host, count: host.readElsewhere, example: attempt.exception)
    }
  }

  private mutating func wait(_ row: Int, _ host: String) {
    if let last = waiting.last, last.host == host, last.rows.upperBound == row,
      last.rows.count < batchSize
    {
      waiting[waiting.count - 1].rows = last.rows.lowerBound..<row + 1
    } else {
      waiting.append((row..<row + 1, host))
    }
  }

  private mutating func shared(_ message: String) -> String {
    if let known = messages[message] { return known }
    messages[message] = message
    return message
  }
}
