internal import Communication
internal import Files
internal import Foundation

/// Compares what all ranks have found before anything is computed, and says all that is wrong at once.
struct Preflight {
  let facts: JobFacts
  let gather: GatherMode
  /// As the user gave it, for messages.
  let modelPath: String
  let listPath: String

  /// Images that every host tries to read.
  static let sampleLimit = 8

  /// Rows to try: the first, the last, and evenly between them.
  static func sampleRows(count: Int) -> [Int] {
    if count <= sampleLimit { return Array(0..<count) }
    return (0..<sampleLimit).map { $0 * (count - 1) / (sampleLimit - 1) }
  }

  /// - Parameters:
  ///   - findings: by rank, nil for one that another version of the program made.
  ///   - order: what rank 0 asked.
  ///   - answers: by rank.
  func verdict(
    _ findings: [RankFinding?], _ order: PreflightOrder, _ answers: [RankAnswer?]
  ) -> PreflightVerdict {
    var problems = facts.problems.map { RankFinding.Problem($0, .usage) }
    let all = zip(findings, answers).map { finding, answer in
      finding?.problem ?? answer?.problem
    }
    problems += merged(all)
    problems += models(findings)
    if let problem = order.problem { problems.append(problem) }
    let store = answers.map { $0?.storeProblem }
    if gather == .direct { problems += merged(store) }
    let (imageProblems, imageWarnings) = images(order, answers)
    problems += imageProblems

    var verdict = PreflightVerdict(warnings: imageWarnings + memory(findings))
    verdict.isDirect =
      facts.ranks.count > 1 && gather != .coordinator && store.allSatisfy { $0 == nil }
      || gather == .direct
    if !problems.isEmpty { verdict.failure = Self.joined(problems) }
    return verdict
  }

  /// All problems in one, with the gravest status.
  private static func joined(_ problems: [RankFinding.Problem]) -> RankFinding.Problem {
    if problems.count == 1 { return problems[0] }
    var joined = problems[0]
    joined.status = problems.map(\.status).max()!
    joined.text =
      "\(problems.count) problems, found before anything was computed:\n"
      + problems.map { "- " + $0.text }.joined(separator: "\n")
    return joined
  }

  /// Problems of ranks, each text once, with the ranks that have it unless all do.
  private func merged(_ problems: [RankFinding.Problem?]) -> [RankFinding.Problem] {
    var seen: [(problem: RankFinding.Problem, ranks: [Int])] = []
    for (rank, problem) in problems.enumerated() {
      guard let problem else { continue }
      if let index = seen.firstIndex(where: { $0.problem == problem }) {
        seen[index].ranks.append(rank)
      } else {
        seen.append((problem, [rank]))
      }
    }
    return seen.map { problem, ranks in
      var problem = problem
      if ranks.count < problems.count { problem.text += " (\(facts.names(ranks)))" }
      return problem
    }
  }

  /// Weights that differ.
  private func models(_ findings: [RankFinding?]) -> [RankFinding.Problem] {
    let known = findings.indices.filter { findings[$0]?.model.isEmpty == false }
    let kinds = Dictionary(grouping: known) { findings[$0]!.model }
      .sorted { $0.value[0] < $1.value[0] }
    guard kinds.count > 1 else { return [] }
    let parts = kinds.map { model, ranks in "\(facts.names(ranks)): \(model)" }
    return [
      .init(
        """
        \(modelPath) holds different weights on different ranks: \(parts.joined(separator: "; ")); \
        put one file where all nodes see it
        """, .badInput)
    ]
  }

  /// Hosts that cannot read what others can: none of it, or some.
  private func images(
    _ order: PreflightOrder, _ answers: [RankAnswer?]
  ) -> (problems: [RankFinding.Problem], warnings: [String]) {
    let looked = answers.indices.filter { answers[$0]?.images != nil }
    let readable = order.images.indices.filter { image in
      looked.contains { answers[$0]!.images![image].isEmpty }
    }
    var problems: [RankFinding.Problem] = []
    var warnings: [String] = []
    for rank in looked {
      let missing = readable.filter { !answers[rank]!.images![$0].isEmpty }
      guard let first = missing.first else { continue }
      let host = facts.ranks[rank]?.host ?? "unknown"
      let path = ByteString(order.images[first].split(separator: 0).first.map(Array.init) ?? [])
      let example = "\(path): \(answers[rank]!.images![first])"
      if missing.count < readable.count {
        warnings.append(
          "host \(host) cannot read \(missing.count) of \(readable.count) images that others can: "
            + example)
      } else {
        let root = order.root.map { "; relative paths start from \($0): is that --root right?" }
        problems.append(
          .init(
            """
            host \(host) (rank \(rank)) reads none of \(readable.count) images of \(listPath) that others \
            read: \(example)\(root ?? ""); make that host see the images, or leave it out
            """, .badInput))
      }
    }
    return (problems, warnings)
  }

  /// Hosts that have less memory than their ranks will take.
  private func memory(_ findings: [RankFinding?]) -> [String] {
    facts.hosts.compactMap { host in
      guard let free = host.ranks.compactMap({ facts.ranks[$0]?.availableByteCount }).min()
      else { return nil }
      let found = host.ranks.compactMap { findings[$0] }
      let needed =
        found.reduce(0) { $0 + $1.ownByteCount } + (found.map(\.sharedByteCount).max() ?? 0)
      guard needed > free else { return nil }
      return String(
        format:
          "host %@ has %.1f GB of memory free, its %d ranks may take %.1f GB: start fewer ranks of "
          + "more threads there, or take a smaller --batch",
        host.name, Double(free) / 1e9, host.ranks.count, Double(needed) / 1e9)
    }
  }
}
