internal import Communication
internal import Foundation
internal import Logging
internal import Synchronization
internal import Tensors

/// What a distributed command finds when it runs: the other ranks, and this rank's share of the
/// machine.
struct CommandContext {
  let communicator: any Communicator
  let log = Logger(label: "decaf")

  var isRoot: Bool { communicator.isRoot }

  /// Says that this rank lives while it computes; nil where nobody else is there to hear it.
  private func makePulse() -> (@Sendable () -> Void)? {
    if communicator.size == 1 { return nil }
    // Used on the thread that owns the communicator alone, which is the main one.
    nonisolated(unsafe) let communicator = communicator
    let interval = Duration.milliseconds(100)
    let last = Mutex(ContinuousClock.now)
    return {
      guard Thread.isMainThread else { return }
      let now = ContinuousClock.now
      let isDue = last.withLock { last in
        guard now - last >= interval else { return false }
        last = now
        return true
      }
      if isDue { communicator.beat() }
    }
  }

  /// The threads that compute on this rank; collective.
  ///
  /// - Parameter threads: as the user asked; nil for the processors this rank may use, divided by
  ///   the ranks of this host that may use them too.
  func makeTeam(threads: Int?) throws -> ThreadTeam {
    let own = ProcessorSet.current
    let description = "\(communicator.hostName) \(own.description)"
    let descriptions = try communicator.gather(Array(description.utf8), root: 0)
    var all = Array(descriptions.joined(separator: [10]))
    try communicator.broadcast(&all, root: 0)
    let sharers = all.split(separator: 10).count {
      let parts = String(decoding: $0, as: UTF8.self).split(separator: " ", maxSplits: 1)
      return parts[0] == communicator.hostName
        && ProcessorSet(description: parts.count > 1 ? String(parts[1]) : "").overlaps(own)
    }
    return ThreadTeam(
      threadCount: threads ?? max(1, own.count / max(sharers, 1)), pulse: makePulse())
  }
}

/// The processors a process may run on, as the system writes them: `0-3,8`.
private struct ProcessorSet {
  let processors: Set<Int>

  var count: Int { processors.count }
  var description: String { processors.sorted().map(String.init).joined(separator: ",") }

  init(description: String) {
    var processors: Set<Int> = []
    for part in description.split(separator: ",") {
      let bounds = part.split(separator: "-").compactMap { Int($0) }
      if let first = bounds.first, let last = bounds.last, first <= last {
        processors.formUnion(first...last)
      }
    }
    self.processors = processors
  }

  func overlaps(_ other: Self) -> Bool { !processors.isDisjoint(with: other.processors) }

  /// This process's affinity mask; see proc_pid_status(5).
  static var current: ProcessorSet {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let field = "Cpus_allowed_list:"
    let line = status.split(separator: "\n").first { $0.hasPrefix(field) }
    let list = line?.dropFirst(field.count).trimmingCharacters(in: .whitespaces) ?? ""
    return ProcessorSet(
      description: list.isEmpty ? "0-\(ProcessInfo.processInfo.activeProcessorCount - 1)" : list)
  }
}
