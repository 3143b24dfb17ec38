internal import Communication
internal import Files

extension Coordinator {
  /// How the job goes, for `--metrics`.
  ///
  /// - Parameter state: 0 while it runs, 1 when the store is complete, 2 when it stopped early.
  func metrics(state: Int = 0) -> [Metric] {
    let ranks = timings
    func labels(_ rank: Int) -> [(name: String, value: String)] {
      [("rank", "\(rank)"), ("host", host(of: rank))]
    }
    let failures = self.failures.sorted { $0.key < $1.key }
    return [
      Metric(
        "decaf_state", "0 running, 1 the store is complete, 2 stopped early.", Double(state)),
      Metric("decaf_rows", "Rows of the store.", Double(progress.total)),
      Metric("decaf_rows_done", "Rows that are done.", Double(progress.done)),
      Metric(
        "decaf_rows_recorded_total", "Rows that this run recorded.", isCounter: true,
        Double(recordedRows)),
      Metric("decaf_rows_in_flight", "Rows that ranks have been given.", Double(rowsInFlight)),
      Metric("decaf_images_per_second", "Images a second since the start.", progress.rate),
      Metric("decaf_seconds_left", "Seconds that the rest will take.", progress.secondsLeft ?? 0),
      Metric("decaf_elapsed_seconds", "Seconds since the first batch.", progress.elapsedSeconds),
      Metric(
        "decaf_failed_images_total", "Failed images of this run by cause.", isCounter: true,
        values: failures.map { ([("cause", $0.key)], Double($0.value)) }),
      Metric(
        "decaf_rank_images_total", "Images that a rank has finished.", isCounter: true,
        values: ranks.map { (labels($0.rank), Double($0.timing.images)) }),
      Metric(
        "decaf_rank_idle_seconds_total", "Seconds that a rank waited for work.", isCounter: true,
        values: ranks.map { (labels($0.rank), $0.timing.idleSeconds) }),
      Metric(
        "decaf_rank_silent_seconds", "Seconds since a rank was last heard of.",
        values: silence.map { (labels($0.rank), $0.seconds) }),
      Metric(
        "decaf_coordinator_seconds_total", "Where rank 0's time went beside its worker.",
        isCounter: true,
        values: [
          ([("part", "gather")], gatherSeconds), ([("part", "write")], writeSeconds),
        ]),
    ]
  }

  private func host(of rank: Int) -> String { hosts[rank] }

  /// Rows that workers have been given and have not told of.
  private var rowsInFlight: Int {
    workers.values.reduce(0) { $0 + $1.inFlight.reduce(0) { $0 + $1.count } }
  }

  /// Seconds since each other rank was heard of.
  private var silence: [(rank: Int, seconds: Double)] {
    workers.keys.filter { $0 != 0 }.sorted().map {
      ($0, seconds(since: communicator.watch[$0]!.heard))
    }
  }
}
