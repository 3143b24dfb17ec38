internal import Features
internal import Foundation

/// What a run did, for people and for `runs/NNNN.json`.
package struct ExtractionSummary: Sendable {
  /// Why it stopped early; nil when the store is complete.
  package var stopReason: String?
  /// The store was complete before this run.
  package var wasComplete = false
  package var rows = 0
  /// Rows that an earlier run had recorded.
  package var rowsBefore = 0
  /// Failed rows of the whole store, once it is complete.
  package var failedRows = 0
  /// Failed images of this run by cause.
  package var failures: [String: Int] = [:]
  package var warnings = 0
  package var overflows = 0
  package var elapsedSeconds = 0.0
  package var ranks: [(rank: Int, host: String, timing: WorkTiming)] = []

  package init() {}

  /// The work of the busiest rank over the mean, minus one; 0 is perfect.
  package var imbalance: Double {
    let busy = ranks.map { $0.timing.decodeSeconds + $0.timing.computeSeconds }
    let mean = busy.reduce(0, +) / Double(max(busy.count, 1))
    return mean > 0 ? busy.max()! / mean - 1 : 0
  }

  /// Several lines for a terminal.
  package func text(store: String) -> String {
    if wasComplete { return "\(store) is complete already: \(rows) rows, \(failedRows) failed" }
    let done = ranks.reduce(0) { $0 + $1.timing.images }
    let rate = elapsedSeconds > 0 ? Double(done) / elapsedSeconds : 0
    var lines = [
      String(
        format: "%@: %d of %d rows, %d of them now, %.1f s, %.1f images/s", store,
        rowsBefore + done, rows, done, elapsedSeconds, rate)
    ]
    lines.append("  rank  host              images  decode s  compute s  write s  wait s")
    for (rank, host, timing) in ranks {
      let name = host.prefix(16)
      lines.append(
        String(format: "  %4d  ", rank) + name + String(repeating: " ", count: 16 - name.count)
          + String(
            format: "  %6d  %8.2f  %9.2f  %7.2f  %6.2f", timing.images, timing.decodeSeconds,
            timing.computeSeconds, timing.writeSeconds, timing.idleSeconds + timing.readSeconds))
    }
    if ranks.count > 1 { lines.append(String(format: "  imbalance %.1f %%", imbalance * 100)) }
    for (cause, count) in failures.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      lines.append("  failed: \(count) × \(cause)")
    }
    if warnings > 0 { lines.append("  \(warnings) images decoded with a warning; see rows.tsv") }
    if overflows > 0 {
      lines.append("  \(overflows) values beyond float16 became infinite; use --dtype float32")
    }
    if let stopReason {
      lines.append("stopped early (\(stopReason)); the same command line continues")
    }
    return lines.joined(separator: "\n")
  }

  /// What `runs/NNNN.json` keeps; outside the store's identity.
  func json(request: ExtractionRequest, threads: Int, size: Int) -> JSONValue {
    .object([
      "program": .string(request.program),
      "options": .object([
        "list": .string(request.list),
        "root": request.root.map { .string($0) } ?? .null,
        "model": .string(request.model),
        "output": .string(request.output),
        "batch": .number(Double(request.batchSize)),
        "threads": .number(Double(threads)),
        "gather": .string(request.gather.rawValue),
        "dedicated-coordinator": .bool(request.dedicatedCoordinator),
        "overwrite": .bool(request.overwrite),
        "retry-failed": .bool(request.retryFailed),
        "max-hours": request.maxHours.map { .number($0) } ?? .null,
        "stall-timeout": .number(request.stallTimeoutSeconds),
      ]),
      "ranks": .array(
        ranks.map { rank, host, timing in
          .object([
            "rank": .number(Double(rank)), "host": .string(host),
            "images": .number(Double(timing.images)),
            "failures": .number(Double(timing.failures)),
            "decodeSeconds": .number(timing.decodeSeconds),
            "readWaitSeconds": .number(timing.readSeconds),
            "computeSeconds": .number(timing.computeSeconds),
            "writeSeconds": .number(timing.writeSeconds),
            "idleSeconds": .number(timing.idleSeconds),
          ])
        }),
      "size": .number(Double(size)),
      "rowsBefore": .number(Double(rowsBefore)),
      "elapsedSeconds": .number(elapsedSeconds),
      "finished": .string(ISO8601DateFormatter().string(from: Date())),
      "stopped": stopReason.map { .string($0) } ?? .null,
    ])
  }
}
