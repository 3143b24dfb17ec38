internal import Files
internal import Foundation
internal import Synchronization

/// A fixed team of threads that share out the iterations of a loop.
///
/// The calling thread is one of the team, so `threadCount` threads compute and none idles. Which
/// thread runs an iteration is not fixed: iterations must not depend on it, nor on their order.
package final class ThreadTeam: Sendable {
  /// Threads that compute, the caller included.
  package let threadCount: Int

  private struct Job: @unchecked Sendable {
    // Invariant behind `@unchecked`: `forEach` does not return before every thread has left the
    // body, so a non-escaping closure outlives its use here.
    var count: Int
    var body: @Sendable (_ index: Int, _ worker: Int) -> Void
    var next: Counter
  }

  private final class Counter: Sendable {
    let value = Atomic<Int>(0)
  }

  /// Guarded by `condition`; see `Shared`.
  private final class Shared: @unchecked Sendable {
    // Invariant behind `@unchecked`: every access to the variables holds `condition`.
    let condition = NSCondition()
    var job: Job?
    var generation = 0
    var busy = 0
    var isStopping = false
  }

  private let shared = Shared()
  /// Called now and then by the thread that waits for a loop's end.
  package let pulse: (@Sendable () -> Void)?
  /// Held while a loop runs, so that two callers take turns.
  private let turn = Mutex<Void>(())

  /// - Parameters:
  ///   - threadCount: at least 1.
  ///   - pulse: called between two iterations of the thread that called `forEach`, and every half
  ///     second in which it waits for the others: a long loop is not a dead process. It must be quick.
  package init(threadCount: Int, pulse: (@Sendable () -> Void)? = nil) {
    precondition(threadCount >= 1, "a team needs a thread")
    self.threadCount = threadCount
    self.pulse = pulse
    for worker in 1..<max(threadCount, 1) {
      let thread = Thread { [shared] in Self.serve(shared, worker: worker) }
      thread.name = "decaf-team-\(worker)"
      thread.stackSize = 1 << 21
      thread.start()
    }
  }

  deinit {
    shared.condition.withLock {
      shared.isStopping = true
      shared.condition.broadcast()
    }
  }

  /// Runs `body` for every index of `0..<count` and returns when all are done.
  ///
  /// - Parameter body: gets the index and the number of the thread running it, in
  ///   `0..<threadCount`; two iterations that run at once have different numbers.
  /// - Throws: the error of the lowest index that failed; the other iterations still run.
  package func forEach(
    _ count: Int, _ body: @Sendable (_ index: Int, _ worker: Int) throws -> Void
  ) throws {
    let failure = Mutex<(index: Int, error: any Error)?>(nil)
    withoutActuallyEscaping(body) { body in
      run(count) { index, worker in
        do { try body(index, worker) } catch {
          failure.withLock { if $0 == nil || index < $0!.index { $0 = (index, error) } }
        }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure.error }
  }

  /// Runs `body` for every index of `0..<count` and returns when all are done.
  package func forEach(_ count: Int, _ body: @Sendable (_ index: Int, _ worker: Int) -> Void) {
    withoutActuallyEscaping(body) { run(count, $0) }
  }

  private func run(_ count: Int, _ body: @escaping @Sendable (Int, Int) -> Void) {
    turn.withLock { _ in
      let job = Job(count: count, body: body, next: Counter())
      if threadCount > 1 && count > 1 {
        shared.condition.withLock {
          shared.job = job
          shared.generation += 1
          shared.busy = threadCount - 1
          shared.condition.broadcast()
        }
        Self.work(job, worker: 0, pulse)
        shared.condition.withLock {
          while shared.busy > 0 {
            let isWoken = shared.condition.wait(until: Date(timeIntervalSinceNow: 0.5))
            if !isWoken { pulse?() }
          }
          shared.job = nil
        }
      } else {
        Self.work(job, worker: 0, pulse)
      }
    }
  }

  private static func work(_ job: Job, worker: Int, _ pulse: (@Sendable () -> Void)? = nil) {
    while true {
      pulse?()
      let index = job.next.value.wrappingAdd(1, ordering: .relaxed).oldValue
      if index >= job.count { return }
      job.body(index, worker)
    }
  }

  private static func serve(_ shared: Shared, worker: Int) {
    WorkingThread.mark()
    var seen = 0
    while true {
      var job: Job? = shared.condition.withLock {
        while shared.generation == seen && !shared.isStopping { shared.condition.wait() }
        seen = shared.generation
        return shared.isStopping ? nil : shared.job
      }
      if job == nil { return }
      work(job!, worker: worker)
      job = nil  // before the caller is told: its closure must not be referenced any more
      shared.condition.withLock {
        shared.busy -= 1
        if shared.busy == 0 { shared.condition.broadcast() }
      }
    }
  }
}

extension ThreadTeam {
  /// The results of `body` for every index of `0..<count`, in index order.
  package func map<Result: Sendable>(
    _ count: Int, _ body: @Sendable (_ index: Int, _ worker: Int) -> Result
  ) -> [Result] {
    let results = Mutex([Result?](repeating: nil, count: count))
    forEach(count) { index, worker in
      let result = body(index, worker)
      results.withLock { $0[index] = result }
    }
    return results.withLock { $0.map { $0! } }
  }

  /// The results of `body` for every index of `0..<count`, in index order.
  ///
  /// - Throws: the error of the lowest index that failed; the other iterations still run.
  package func throwingMap<Result: Sendable>(
    _ count: Int, _ body: @Sendable (_ index: Int, _ worker: Int) throws -> Result
  ) throws -> [Result] {
    let results = Mutex([Result?](repeating: nil, count: count))
    try forEach(count) { index, worker in
      let result = try body(index, worker)
      results.withLock { $0[index] = result }
    }
    return results.withLock { $0.map { $0! } }
  }
}
