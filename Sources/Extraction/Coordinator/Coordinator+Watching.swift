internal import Communication
internal import FeatureStore
internal import Files

/// Nobody is waited for without end: not a worker, not a disk, not an answer.
extension Coordinator {
  /// Takes back all that a worker was given and nothing has come of: nothing will.
  func takeBack(from rank: Int) throws {
    guard let rows = workers[rank]?.awaited, !rows.isEmpty else { return }
    try write { () throws(StoreError) in try writer.recordReturned(rows) }
    workers[rank]!.inFlight.removeAll { rows.contains($0) }
  }

  /// After a stop nobody is waited for without end: this rank's own worker may be at an image that
  /// takes too long, and others may be gone.
  func endWaitAfterStop() throws {
    guard let stopTime else { return }
    if local != nil, seconds(since: stopTime) > StopLimits.image { try takeBack(from: 0) }
    if seconds(since: stopTime) <= StopLimits.answer { return }
    let unanswering = workers.filter { !$0.value.awaited.isEmpty }.keys.sorted()
    if unanswering.isEmpty { return }
    for rank in unanswering { try takeBack(from: rank) }
    try write(writer.flush)
    throw UnansweredStop(reason: stopReason!, ranks: unanswering.map { ($0, hosts[$0]) })
  }

  /// Ends the job where rows that have arrived are not written any more.
  ///
  /// - Parameter limit: seconds without a sign of the disk.
  func checkDisk(_ limit: Double) throws {
    guard workers.values.contains(where: { !$0.arrived.isEmpty }) else {
      lastWritten = .now
      return
    }
    if seconds(since: lastWritten) > limit { throw SilentDisk(path: writer.path, seconds: limit) }
  }

  /// Ends the job where a worker gets no further, whatever the others do.
  func checkForStall() throws {
    for rank in workers.keys {
      let steps = rank == 0 ? local!.imageSteps : communicator.watch[rank]!.activity.images
      if steps != workers[rank]!.imageSteps {
        workers[rank]!.imageSteps = steps
        workers[rank]!.lastStep = .now
      }
    }
    let stuck = workers.filter { rank, worker in
      !worker.awaited.isEmpty && seconds(since: worker.lastStep) > limits.stallAfterSeconds
        && isHeardOf(rank)
    }
    if stuck.isEmpty { return }
    try writer.flush()
    throw Stall(
      seconds: limits.stallAfterSeconds,
      workers: stuck.sorted { $0.key < $1.key }.map { rank, worker in (rank, worker.awaited[0]) })
  }

  /// Whether a rank lives as far as is known; one that does not is the watch's to name.
  func isHeardOf(_ rank: Int) -> Bool {
    rank == 0
      || seconds(since: communicator.watch[rank]!.heard) < limits.stallAfterSeconds / 2
  }
}
