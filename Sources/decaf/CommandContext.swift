internal import Communication
internal import Files
internal import Foundation
internal import Logging
internal import Synchronization
internal import Tensors

/// What a distributed command finds when it runs: the other ranks, and this rank's share of the
/// machine.
struct CommandContext {
  let communicator: any Communicator
  /// Whether a launcher started the ranks.
  let isLaunched: Bool
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

  /// Tells all ranks what each of them is and runs on, and people too; collective.
  ///
  /// - Parameter threads: as the user asked; nil for the processors this rank may use, divided by
  ///   the ranks of this host that may use them too.
  func collectFacts(threads: Int?) throws -> JobFacts {
    let facts = try JobFacts.collect(
      .own(
        host: communicator.hostName, program: Version.program, kernels: Version.kernelClass,
        threads: threads), communicator)
    if isRoot {
      let library = isLaunched ? Version.mpiName : "no launcher"
      log.info("\(facts.banner(library: library))")
      for warning in facts.warnings { log.warning("\(warning)") }
    }
    return facts
  }

  /// The threads that compute on this rank.
  func makeTeam(_ facts: JobFacts) -> ThreadTeam {
    ThreadTeam(threadCount: facts.threadCount(of: communicator.rank), pulse: makePulse())
  }

  /// The threads that compute on this rank, where all ranks run the same program; collective.
  ///
  /// - Parameter threads: as for `collectFacts`.
  /// - Throws: `JobFailure` where they do not.
  func makeTeam(threads: Int?) throws -> ThreadTeam {
    let facts = try collectFacts(threads: threads)
    if !facts.problems.isEmpty {
      throw JobFailure(
        exitStatus: .usage, description: facts.problems.joined(separator: "\n"))
    }
    return makeTeam(facts)
  }
}
