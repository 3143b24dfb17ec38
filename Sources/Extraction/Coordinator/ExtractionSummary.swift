internal import ConvNet
internal import FeatureStore
internal import Files
internal import Foundation
internal import Images

/// What a run did, for people and for `runs/NNNN.json`.
package struct ExtractionSummary: Sendable {
  /// Why it stopped early; nil when the store is complete.
  package var stopReason: String?
  /// The store was complete before this run.
  package var wasComplete = false
  /// The folder that relative paths started from, absolute; nil when there was none.
  package var root: String?
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
  /// Opening list, model and store, until the first batch could be handed out.
  package var prepareSeconds = 0.0
  /// On rank 0, beside its worker: taking in other ranks' rows, writing and recording all rows.
  package var gatherSeconds = 0.0
  package var writeSeconds = 0.0
  package var ranks: [(rank: Int, host: String, timing: WorkTiming)] = []

  package init() {}

  /// The work of the busiest rank over the mean, minus one; 0 is perfect.
  package var imbalance: Double {
    let busy = ranks.map { $0.timing.busySeconds }
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
    lines += table
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

  /// The columns of the table of ranks, and of `runs/NNNN.json`: where a rank's time went.
  private static let columns: [Column] = [
    Column("start", "startSeconds", \.startSeconds),
    Column("read", "readWaitSeconds", \.readSeconds),
    Column("decode", "decodeSeconds", \.decodeSeconds),
    Column("resize", "transformSeconds", \.transformSeconds),
    Column("engine", "computeSeconds", \.computeSeconds),
    Column("rows", "rowSeconds", \.rowSeconds),
    Column("write", "writeSeconds", \.writeSeconds),
    Column("wait", "idleSeconds", \.idleSeconds),
  ]

  private struct Column: Sendable {
    let name: String
    let key: String
    let seconds: @Sendable (WorkTiming) -> Double

    init(_ name: String, _ key: String, _ seconds: @escaping @Sendable (WorkTiming) -> Double) {
      (self.name, self.key, self.seconds) = (name, key, seconds)
    }
  }

  /// Seconds by rank and part of the work, then milliseconds an image by layer.
  private var table: [String] {
    var lines = [
      "  rank  host              images"
        + Self.columns.map { "  " + Self.padded($0.name, 8) }.joined() + "  (seconds)"
    ]
    for (rank, host, timing) in ranks {
      let name = host.prefix(16)
      lines.append(
        String(format: "  %4d  ", rank) + name + String(repeating: " ", count: 16 - name.count)
          + String(format: "  %6d", timing.images)
          + Self.columns.map { String(format: "  %8.2f", $0.seconds(timing)) }.joined())
    }
    lines.append(
      String(
        format: "  before the first batch %.2f s; rank 0 besides: gather %.2f s, write %.2f s",
        prepareSeconds, gatherSeconds, writeSeconds))
    let done = ranks.reduce(0) { $0 + $1.timing.images }
    if done > 0, !layers.isEmpty {
      lines.append("  engine, ms of a thread an image:")
      let texts = layers.map {
        String(format: "%@ %.3f", $0.layer, $0.seconds * 1000 / Double(done))
      }
      for start in stride(from: 0, to: texts.count, by: 6) {
        lines.append(
          "    " + texts[start..<min(start + 6, texts.count)].joined(separator: ", "))
      }
    }
    return lines
  }

  /// The engine's times by layer, of all ranks.
  private var layers: [LayerTime] {
    ranks.reduce(into: WorkTiming()) { $0 += $1.timing }.layers
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// What `runs/NNNN.json` keeps; outside the store's identity.
  func json(request: ExtractionRequest, threads: Int, size: Int) -> JSONValue {
    .object([
      "program": .string(request.program),
      "programFacts": .object(
        Dictionary(uniqueKeysWithValues: request.programFacts.map { ($0.name, .string($0.value)) })),
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
        "keep-kernel": .bool(request.keepsKernelClass),
        "decode": .string(request.recipe.decode.rawValue),
        "precision": .string(request.recipe.precision.rawValue),
        "max-hours": request.maxHours.map { .number($0) } ?? .null,
        "stall-timeout": .number(request.stallTimeoutSeconds),
      ]),
      "root": root.map { .string($0) } ?? .null,
      "ranks": .array(
        ranks.map { rank, host, timing in
          var fields: [String: JSONValue] = [
            "rank": .number(Double(rank)), "host": .string(host),
            "images": .number(Double(timing.images)),
            "failures": .number(Double(timing.failures)),
            "layers": .array(
              timing.layers.map {
                .object(["layer": .string($0.layer), "seconds": .number($0.seconds)])
              }),
          ]
          for column in Self.columns { fields[column.key] = .number(column.seconds(timing)) }
          return .object(fields)
        }),
      "size": .number(Double(size)),
      "rowsBefore": .number(Double(rowsBefore)),
      "elapsedSeconds": .number(elapsedSeconds),
      "prepareSeconds": .number(prepareSeconds),
      "gatherSeconds": .number(gatherSeconds),
      "writeSeconds": .number(writeSeconds),
      "finished": .string(ISO8601DateFormatter().string(from: Date())),
      "stopped": stopReason.map { .string($0) } ?? .null,
    ])
  }
}
