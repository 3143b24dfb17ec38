/// The facts of all ranks, the same on every rank.
package struct JobFacts: Equatable, Sendable {
  /// By rank; nil for one that tells them in a way that this program does not understand.
  package let ranks: [RankFacts?]

  package init(ranks: [RankFacts?]) { self.ranks = ranks }

  /// Tells everybody the facts of all ranks; collective.
  package static func collect(
    _ own: RankFacts, _ communicator: any Communicator
  ) throws -> JobFacts {
    JobFacts(ranks: try communicator.exchange(own))
  }

  /// Ranks by host, in the order of their lowest rank.
  package var hosts: [(name: String, ranks: [Int])] {
    var places: [String: Int] = [:]
    var hosts: [(name: String, ranks: [Int])] = []
    for (rank, facts) in ranks.enumerated() {
      let name = facts?.host ?? "unknown"
      let key = "\(name) \(facts?.boot ?? "")"
      if let place = places[key] {
        hosts[place].ranks.append(rank)
      } else {
        places[key] = hosts.count
        hosts.append((name, [rank]))
      }
    }
    return hosts
  }

  /// The lowest rank on the host of `rank`.
  package func leader(of rank: Int) -> Int {
    hosts.first { $0.ranks.contains(rank) }!.ranks[0]
  }

  /// The threads that compute on a rank: as its user asked, or the processors it may use divided by the
  /// ranks of its host that may use them too.
  package func threadCount(of rank: Int) -> Int {
    guard let facts = ranks[rank] else { return 1 }
    if let threads = facts.threads { return threads }
    let own = ProcessorSet(description: facts.processors)
    let sharers = ranks.count { other in
      guard let other, other.host == facts.host, other.boot == facts.boot else { return false }
      return ProcessorSet(description: other.processors).overlaps(own)
    }
    return max(1, own.count / max(sharers, 1))
  }
}
