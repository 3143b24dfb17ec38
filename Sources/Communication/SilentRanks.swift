package import Files

/// Ranks that have said nothing for longer than the time limit.
package struct SilentRanks: ErrorWithStatus, CustomStringConvertible {
  package let limit: Double
  /// The ranks and what was last known of them.
  package let ranks: [(rank: Int, last: RankWatch.Peer)]

  package var description: String {
    let lines = ranks.prefix(8).map { rank, last in
      let host = last.hostName.isEmpty ? "" : " on \(last.hostName)"
      let images = last.activity.images > 0 ? " after \(last.activity.images) images" : ""
      return "  rank \(rank)\(host): last heard of in “\(last.activity.phase)”\(images)"
    }
    let more = ranks.count > 8 ? ["  and \(ranks.count - 8) more"] : []
    return """
      nothing was heard for \(limit.formattedSeconds) s (--stall-timeout) from
      \((lines + more).joined(separator: "\n"))
      check these hosts and the network to them, then start the same command again: what is recorded \
      is kept
      """
  }

  package var exitStatus: ExitStatus { .stoppedEarly }
}

extension Double {
  /// Without a fraction where there is none: 5, 0.5.
  fileprivate var formattedSeconds: String {
    self == rounded() && self < 1e9 ? String(Int(self)) : String(self)
  }
}
