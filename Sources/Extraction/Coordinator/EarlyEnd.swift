internal import FeatureStore

/// Why a job ends although images are left: going on would only make more failed rows.
enum EarlyEnd: Equatable {
  /// No image of the first ones, or of all, is usable.
  case allFailed(count: Int, hosts: [String], first: RowException)
  /// A host cannot read what others can.
  case strayHost(UnreadableRows.Stray)
  /// More images failed than `--max-failures` allows.
  case tooManyFailures(count: Int, limit: Int)
}

/// Counts failures and says when there are too many of them.
struct FailureWatch {
  /// `--max-failures`: how many rows of the store may fail; it takes the place of the rule of the
  /// first images, too, as its user knows what to expect.
  let limit: Int?
  /// Failed rows of the whole store.
  private var failedCount: Int
  /// Failed rows of this run, of which `first` is one.
  private var failedNow = 0
  private var first: RowException?
  private var hosts: Set<String> = []
  /// Whether some row of the store holds an image's activations.
  private(set) var hasSucceeded: Bool

  /// So many images that all fail are no accident.
  static let startLimit = 100

  /// - Parameters:
  ///   - failedCount: failed rows that an earlier run recorded.
  ///   - hasSucceeded: an earlier run recorded rows that did not fail.
  init(limit: Int?, failedCount: Int, hasSucceeded: Bool) {
    self.limit = limit
    self.failedCount = failedCount
    self.hasSucceeded = hasSucceeded
  }

  /// Counts rows that will be recorded.
  mutating func add(succeeded: Int, failed: [RowException], host: String) {
    if succeeded > 0 { hasSucceeded = true }
    guard !failed.isEmpty else { return }
    failedCount += failed.count
    failedNow += failed.count
    first = first ?? failed[0]
    // Named when nothing works, and only the first few of them.
    if !hasSucceeded && hosts.count < 4 { hosts.insert(host) }
  }

  /// Why to end now, nil when there is no reason.
  var reason: EarlyEnd? {
    if let limit {
      return failedCount > limit ? .tooManyFailures(count: failedCount, limit: limit) : nil
    }
    return failedNow >= Self.startLimit ? nothingWorks : nil
  }

  /// All images of this run failed, and no other run had better luck; nil when that is not so.
  var nothingWorks: EarlyEnd? {
    guard !hasSucceeded, let first else { return nil }
    return .allFailed(count: failedNow, hosts: hosts.sorted(), first: first)
  }
}
