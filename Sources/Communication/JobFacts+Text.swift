internal import Foundation

extension JobFacts {
  /// Which ranks run another program than rank 0; nothing when all run the same.
  package var problems: [String] {
    let own = ranks[0]?.program ?? "another decaf"
    let others = ranks.indices.filter { ranks[$0]?.program != own }
    return grouped(others) { ranks[$0]?.program ?? "a program that tells nothing of itself" }.map {
      program, ranks in
      "\(names(ranks)): runs \(program), rank 0 runs \(own); install one program on all hosts"
    }
  }

  /// What slows ranks down, or all of them, and the remedy.
  package var warnings: [String] {
    let crowded = ranks.indices.filter { rank in
      guard let facts = ranks[rank], let threads = facts.threads else { return false }
      let count = ProcessorSet(description: facts.processors).count
      return threads > count && count < facts.onlineCount
    }
    let placement = grouped(crowded) { rank in
      let facts = ranks[rank]!
      let count = ProcessorSet(description: facts.processors).count
      return """
        \(facts.threads!) threads share \(count == 1 ? "one processor" : "\(count) processors") of \
        \(facts.onlineCount), to which the launcher binds; give them more by mpirun --bind-to none, \
        or --map-by slot:PE=\(facts.threads!), or srun --cpus-per-task=\(facts.threads!)
        """
    }.map { text, ranks in "\(names(ranks)): \(text)" }
    return placement + kernelWarnings
  }

  /// Who makes the others use slower kernels.
  private var kernelWarnings: [String] {
    let kinds = Set(ranks.compactMap { $0?.kernels })
    guard kinds.count > 1 else { return [] }
    let most = Dictionary(grouping: ranks.compactMap { $0?.kernels }) { $0 }
      .max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }!.key
    let others = ranks.indices.filter { ranks[$0]?.kernels != most }
    return grouped(others) { ranks[$0]?.kernels ?? "unknown" }.map { kernels, ranks in
      "\(names(ranks)): \(kernels) kernels, others \(most); all ranks use what all of them have"
    }
  }

  /// What runs where, a line or a few: for the start of a job.
  package func banner(library: String) -> String {
    let hosts = hosts
    let first = ranks[0]
    let program = first?.program ?? "decaf"
    let head =
      "\(program), \(library), \(first?.kernels ?? "unknown") kernels, "
      + (ranks.count == 1 ? "1 rank" : "\(ranks.count) ranks on \(count(hosts.count, "host"))")
    // Hosts that look alike share a line.
    var lines: [(text: String, names: [String])] = []
    for host in hosts {
      let text = description(of: host.ranks)
      if let index = lines.firstIndex(where: { $0.text == text }) {
        lines[index].names.append(host.name)
      } else {
        lines.append((text, [host.name]))
      }
    }
    let shown = lines.prefix(8).map { text, names in
      "\(names.prefix(4).joined(separator: ", "))"
        + (names.count > 4 ? " and \(names.count - 4) more" : "") + ": \(text)"
    }
    let more = lines.count > 8 ? ["and other hosts: \(lines.count - 8)"] : []
    return ([head] + shown + more).joined(separator: "\n  ")
  }

  /// Of one host: `4 ranks of 2 threads, 2 of 8 processors each, 30.1 GB free`.
  private func description(of ranks: [Int]) -> String {
    let threads = Set(ranks.map(threadCount)).sorted()
    let facts = ranks.compactMap { self.ranks[$0] }
    let masks = facts.map { ProcessorSet(description: $0.processors) }
    let counts = Set(masks.map(\.count)).sorted()
    let online = facts.map(\.onlineCount).max() ?? 1
    let isShared = masks.count > 1 && masks[1...].contains { $0.overlaps(masks[0]) }
    let bound =
      counts.map(String.init).joined(separator: "–") + " of \(online) processors"
      + (ranks.count == 1 ? "" : isShared ? " shared" : " each")
    let free = facts.compactMap(\.availableByteCount).min()
      .map { String(format: ", %.1f GB free", Double($0) / 1e9) }
    return "\(count(ranks.count, "rank")) of "
      + threads.map(String.init).joined(separator: "–")
      + " \(threads == [1] ? "thread" : "threads"), \(bound)\(free ?? "")"
  }

  private func count(_ number: Int, _ word: String) -> String {
    "\(number) \(word)\(number == 1 ? "" : "s")"
  }

  private func grouped(_ ranks: [Int], _ key: (Int) -> String) -> [(key: String, ranks: [Int])] {
    Dictionary(grouping: ranks, by: key).sorted { $0.value[0] < $1.value[0] }
      .map { ($0.key, $0.value) }
  }

  /// `rank 3 on node2 (and 7 more)`.
  package func names(_ ranks: [Int]) -> String {
    "rank \(ranks[0]) on \(self.ranks[ranks[0]]?.host ?? "an unknown host")"
      + (ranks.count > 1 ? " (and \(ranks.count - 1) more)" : "")
  }
}
