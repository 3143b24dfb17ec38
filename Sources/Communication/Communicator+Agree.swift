package import Files

extension Communicator {
  /// Whether this rank speaks for the job.
  package var isRoot: Bool { rank == 0 }

  /// Runs `body` on every rank and, where it fails on any, fails on all of them.
  ///
  /// For steps that each rank takes by itself before the ranks depend on each other: opening the
  /// model, reading a configuration. Nobody is left waiting for a rank that gave up.
  ///
  /// Collective: every rank must call this, in the same order.
  ///
  /// - Throws: `JobFailure`, the same on every rank.
  package func agree<Result>(_ body: () throws -> Result) throws -> Result {
    var result: Result?
    var report: [UInt8] = []
    var worst: [Int64] = [0]
    do {
      result = try body()
    } catch {
      worst = [Int64(ExitStatus(of: error).rawValue)]
      report = Array("\(error)".utf8)
    }
    try allreduce(&worst, .maximum)
    if worst[0] == 0 { return result! }
    let hosts = try gather(Array(hostName.utf8), root: 0)
    let reports = try gather(report, root: 0)
    var text = Array(JobFailure.text(reports: reports, hosts: hosts).utf8)
    try broadcast(&text, root: 0)
    throw JobFailure(
      exitStatus: ExitStatus(rawValue: Int32(worst[0])) ?? .internalFailure,
      description: String(decoding: text, as: UTF8.self))
  }
}

extension Communicator {
  /// The first, in the order of its cases, of what the ranks have. Collective.
  ///
  /// - Throws: `JobFailure` on every rank where `body` fails on any.
  package func lowest<Value: CaseIterable & Equatable>(_ body: () throws -> Value) throws -> Value {
    let cases = Array(Value.allCases)
    var place = [try agree { Int64(cases.firstIndex(of: try body())!) }]
    try allreduce(&place, .minimum)
    return cases[Int(place[0])]
  }
}

/// A failure that all ranks know of, so that all can end in an orderly way with the same status.
package struct JobFailure: ErrorWithStatus, CustomStringConvertible {
  package let exitStatus: ExitStatus
  /// What to tell people; rank 0 speaks for all.
  package let description: String

  package init(exitStatus: ExitStatus, description: String) {
    self.exitStatus = exitStatus
    self.description = description
  }

  /// Names each distinct report once, with the ranks it came from when not all ranks agree.
  ///
  /// - Parameters:
  ///   - reports: each rank's, empty where there is none.
  ///   - hosts: each rank's.
  package static func text(reports: [[UInt8]], hosts: [[UInt8]]) -> String {
    var seen: [(text: [UInt8], ranks: [Int])] = []
    for (rank, text) in reports.enumerated() where !text.isEmpty {
      if let index = seen.firstIndex(where: { $0.text == text }) {
        seen[index].ranks.append(rank)
      } else {
        seen.append((text, [rank]))
      }
    }
    return seen.map { text, ranks in
      let text = String(decoding: text, as: UTF8.self)
      if ranks.count == reports.count { return text }
      let others = ranks.count > 1 ? " and \(ranks.count - 1) more" : ""
      let host = String(decoding: hosts[ranks[0]], as: UTF8.self)
      return "\(text) (rank \(ranks[0]) on \(host)\(others))"
    }.joined(separator: "\n")
  }
}
