package import Communication
package import Files
internal import Foundation
internal import Presets
package import Tensors

/// Runs every part of the program that decides bytes on inputs that it brings along, and compares what
/// comes out with digests that were noted where the tests passed.
///
/// A processor, a compiler, a decoder or an MPI library that gives other bits shows here, on the
/// installed binary, before it shows in results.
package struct SelfTest {
  /// How a part ended on a rank.
  package struct Outcome: Codable, Sendable {
    package let digest: SelfTestDigest
    /// What was expected; nil where nobody has noted it.
    package let expected: String?
    package let rank: Int
    package let host: String

    /// What nobody has noted cannot be compared: of kernels that no processor had where digests were noted.
    package var isGood: Bool { expected == nil || holds }
    package var holds: Bool { digest.sha256 == expected }
  }

  /// What all ranks found, on every rank.
  package struct Report: Sendable {
    package var outcomes: [Outcome] = []
    /// Parts that could not be run, and why.
    package var failures: [String] = []

    package var isGood: Bool { failures.isEmpty && outcomes.allSatisfy(\.isGood) }
  }

  private let communicator: any Communicator
  private let team: ThreadTeam
  private let facts: JobFacts
  private let stored: StoredDigests

  /// - Parameter digests: what to compare with; nil for what the program brings along.
  /// - Throws: `ProblemError` for digests that cannot be read.
  package init(
    _ communicator: any Communicator, team: ThreadTeam, facts: JobFacts, digests: String? = nil
  ) throws(ProblemError) {
    self.communicator = communicator
    self.team = team
    self.facts = facts
    stored = try StoredDigests(digests ?? Presets.selfTestDigests)
  }

  /// Names of the parts, in order.
  package static let parts = ["ranks", "decoder", "transform", "engine", "trainer", "store"]

  /// Runs all parts; collective.
  ///
  /// Decoder, transform and engine run on one rank of each host, in every kernel class that its processor
  /// has; the others on all ranks together.
  ///
  /// - Throws: `CommunicationError`, `SilentRanks`; what goes wrong in a part is reported.
  package func run() throws -> Report {
    var report = Report()
    try add("ranks", to: &report, isCollective: true) {
      try RanksPart(communicator: communicator).run()
    }
    let isLeader = facts.leader(of: communicator.rank) == communicator.rank
    let images = SelfTestImage.all
    try add("decoder", to: &report) { isLeader ? try DecoderPart.run(images) : [] }
    try add("transform", to: &report) { isLeader ? try TransformPart.run(images) : [] }
    try add("engine", to: &report) { isLeader ? try EnginePart(team: team).run(images) : [] }
    try add("trainer", to: &report, isCollective: true) {
      try TrainerPart(communicator: communicator, team: team).run()
    }
    try add("store", to: &report, isCollective: true) {
      try StorePart(communicator: communicator, team: team, facts: facts).run(images)
    }
    return report
  }

  /// Runs a part on this rank, and tells all what it gave on any.
  ///
  /// - Parameter isCollective: ranks talk to each other in it; what one of them fails of, all do.
  private func add(
    _ part: String, to report: inout Report, isCollective: Bool = false,
    _ body: () throws -> [SelfTestDigest]
  ) throws {
    communicator.activity = Activity(phase: "self-test: \(part)")
    var own: [SelfTestDigest] = []
    var failure: String?
    do {
      own = isCollective ? try body() : try communicator.beating(body)
    } catch let error as any ErrorWithStatus where !isCollective || error is JobFailure {
      if !isCollective || communicator.isRoot { failure = "\(error)" }
    } catch  where !isCollective {
      if !isCollective || communicator.isRoot { failure = "\(error)" }
    }
    let outcomes = own.map {
      Outcome(
        digest: $0, expected: stored[$0.part, $0.kernels], rank: communicator.rank,
        host: communicator.hostName)
    }
    for (rank, found) in try communicator.exchange(outcomes).enumerated() {
      guard let found else {
        report.failures.append("\(part): \(facts.names([rank])) runs another program")
        continue
      }
      report.outcomes += found
    }
    let failures = try communicator.exchange([failure].compactMap(\.self))
    for (rank, found) in failures.enumerated() {
      report.failures += (found ?? []).map { "\(part), \(facts.names([rank])): \($0)" }
    }
  }
}
