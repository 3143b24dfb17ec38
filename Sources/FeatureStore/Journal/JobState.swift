/// What the journal of a job says about its rows.
struct JobState {
  /// Rows whose data and record are on the device.
  private(set) var finished = RowSet()
  /// Rows handed out and not finished since.
  private(set) var inFlight = RowSet()
  /// Wraps around where records claim more than an integer holds: only forged ones can.
  private(set) var overflowCount = 0
  private(set) var failed = RowSet()
  /// Where relative paths started from; nil when nothing says so.
  private(set) var root: String?
  private var remarks: [Int: Remark] = [:]
  /// Every distinct message once: most come many times.
  private var messages: [String] = []
  private var messageNumbers: [[UInt8]: Int32] = [:]

  private struct Remark {
    var status: RowStatus
    var message: Int32
  }

  mutating func apply(_ record: JournalRecord) {
    switch record {
    case .started(let rows):
      inFlight.insert(rows)
    case .finished(let batch):
      forget(batch.rows)
      finished.insert(batch.rows)
      inFlight.remove(batch.rows)
      overflowCount &+= batch.overflowCount
      for exception in batch.exceptions {
        remarks[exception.row] = Remark(
          status: exception.status, message: number(of: exception.message))
        if exception.status == .failed { failed.insert(exception.row..<exception.row + 1) }
      }
    case .reopened(let rows, let overflows):
      forget(rows)
      finished.remove(rows)
      overflowCount &-= overflows
      // Handed back, not lost with the process that had them.
      inFlight.remove(rows)
    case .root(let folder):
      root = folder
    }
  }

  /// Status and message of a finished row.
  func remark(on row: Int) -> (status: RowStatus, message: String) {
    guard let remark = remarks[row] else { return (.ok, "") }
    return (remark.status, messages[Int(remark.message)])
  }

  /// What there is to say about finished rows, ascending.
  func exceptions(in rows: Range<Int>) -> [RowException] {
    rows.compactMap { row in
      guard remarks[row] != nil else { return nil }
      let (status, message) = remark(on: row)
      return RowException(row: row, status: status, message: message)
    }
  }

  private mutating func forget(_ rows: Range<Int>) {
    failed.remove(rows)
    // Only rows finished before can have a remark.
    guard finished.intersects(rows) else { return }
    if rows.count <= remarks.count {
      for row in rows { remarks[row] = nil }
    } else {
      remarks = remarks.filter { !rows.contains($0.key) }
    }
  }

  private mutating func number(of message: String) -> Int32 {
    let bytes = Array(message.utf8)
    if let number = messageNumbers[bytes] { return number }
    let number = Int32(messages.count)
    messages.append(message)
    messageNumbers[bytes] = number
    return number
  }
}
