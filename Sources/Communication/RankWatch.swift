/// Who has been heard of, when, and doing what: rank 0 watches every rank, and every rank watches it.
///
/// A rank says that it lives by a *beat*, a small message every few seconds, from wherever it waits or
/// computes. One that is silent for longer than the time limit is frozen, or its host or network is
/// gone: the others would wait for it for ever.
package struct RankWatch {
  /// What is known of one rank.
  package struct Peer: Sendable {
    package fileprivate(set) var activity = Activity(phase: "start")
    package fileprivate(set) var hostName = ""
    /// When anything last came from it.
    package fileprivate(set) var heard: ContinuousClock.Instant
    /// When its activity last changed.
    package fileprivate(set) var changed: ContinuousClock.Instant
  }

  /// Seconds of silence after which a rank counts as lost.
  package var limit = defaultLimit
  /// `--stall-timeout` where nobody says otherwise, seconds.
  package static let defaultLimit = 600.0

  private let rank: Int
  private var peers: [Peer]
  private var lastCheck: ContinuousClock.Instant
  private var lastBeat: ContinuousClock.Instant?

  /// - Parameters:
  ///   - rank: the one that watches.
  ///   - size: the ranks of the job.
  package init(rank: Int, size: Int, now: ContinuousClock.Instant = .now) {
    self.rank = rank
    peers = Array(
      repeating: Peer(heard: now, changed: now), count: rank == 0 ? size : min(size, 1))
    lastCheck = now
  }

  /// Seconds between two beats: several fit into the time limit, so that one that comes late does no
  /// harm.
  package var interval: Double { min(2, limit / 8) }

  /// Whether this rank should say that it lives; then the next time comes an interval later.
  package mutating func isBeatDue(now: ContinuousClock.Instant = .now) -> Bool {
    if let lastBeat, (now - lastBeat) / .seconds(1) < interval { return false }
    lastBeat = now
    return true
  }

  /// The next beat is due at once: there is news.
  package mutating func hurry() { lastBeat = nil }

  /// What is known of a rank; nil for one that this rank does not watch.
  package subscript(peer: Int) -> Peer? { peers.indices.contains(peer) ? peers[peer] : nil }

  /// Notes that something came from a rank, a beat or another message.
  package mutating func heard(
    from peer: Int, _ beat: Beat? = nil, now: ContinuousClock.Instant = .now
  ) {
    guard peers.indices.contains(peer) else { return }
    peers[peer].heard = now
    guard let beat else { return }
    peers[peer].hostName = beat.hostName
    if beat.activity != peers[peer].activity {
      peers[peer].activity = beat.activity
      peers[peer].changed = now
    }
  }

  /// Looks for ranks that are silent; to be called after everything that has arrived was taken in.
  ///
  /// - Throws: `SilentRanks` for those that have said nothing for longer than `limit`.
  package mutating func check(now: ContinuousClock.Instant = .now) throws(SilentRanks) {
    let pause = (now - lastCheck) / .seconds(1)
    // Ten looks a second do: there may be thousands of ranks.
    if pause < min(0.1, limit / 16) { return }
    lastCheck = now
    if pause > limit / 4 {
      // This rank itself was frozen, or busy: the others' beats are still on their way to it.
      let earliest = now - .seconds(limit / 2)
      for peer in peers.indices { peers[peer].heard = max(peers[peer].heard, earliest) }
      return
    }
    let silent = peers.indices.filter {
      $0 != rank && (now - peers[$0].heard) / .seconds(1) > limit
    }
    if silent.isEmpty { return }
    throw SilentRanks(limit: limit, ranks: silent.map { ($0, peers[$0]) })
  }
}
