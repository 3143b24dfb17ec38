internal import ConvNet
internal import Descriptors
internal import FeatureStore
package import Files
internal import Foundation
internal import Images

/// What a run did, for people and for `runs/NNNN.json`.
package struct ExtractionSummary: Sendable {
  /// Why it stopped early; nil when the store is complete.
  package var stopReason: String?
  /// The store was complete before this run.
  package var wasComplete = false
  /// How rows got to the store.
  package var gather = GatherMode.coordinator
  /// The folder that relative paths started from, absolute; nil when there was none.
  package var root: String?
  package var rows = 0
  /// Rows that an earlier run had recorded.
  package var rowsBefore = 0
  /// Rows that this run recorded.
  package var rowsNow = 0
  /// Failed rows of the whole store, once it is complete.
  package var failedRows = 0
  /// Failed images of this run by cause.
  package var failures: [String: Int] = [:]
  /// Failed images of this run whose files are not there.
  package var missingFiles = 0
  /// Files that ranks on a host could not read and others could, by host.
  package var countsReadElsewhere: [String: Int] = [:]
  package var warnings = 0
  package var overflows = 0
  package var elapsedSeconds = 0.0
  /// Opening list, model and store, until the first batch could be handed out.
  package var prepareSeconds = 0.0
  /// From then until the last row was recorded.
  package var workSeconds = 0.0
  /// Rows recorded over that time.
  var pace = Pace()
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

  /// What came of it, for programs.
  package func resultJSON(store: String) -> JSONValue {
    let rate = elapsedSeconds > 0 ? Double(rowsNow) / elapsedSeconds : 0
    return .object([
      "store": .string(store),
      "complete": .bool(stopReason == nil),
      "stopped": stopReason.map { .string($0) } ?? .null,
      "wasComplete": .bool(wasComplete),
      "rows": .number(Double(rows)),
      "rowsBefore": .number(Double(rowsBefore)),
      "rowsNow": .number(Double(rowsNow)),
      "failedRows": .number(Double(failedRows)),
      "failures": .object(failures.mapValues { .number(Double($0)) }),
      "warnings": .number(Double(warnings)),
      "overflows": .number(Double(overflows)),
      "readElsewhere": .object(countsReadElsewhere.mapValues { .number(Double($0)) }),
      "elapsedSeconds": .number(elapsedSeconds),
      "imagesPerSecond": .number(rate),
      "gathered": .string(gather.rawValue),
      "ranks": .array(
        ranks.map { rank, host, timing in
          .object([
            "rank": .number(Double(rank)), "host": .string(host),
            "images": .number(Double(timing.images)),
            "idleSeconds": .number(timing.idleSeconds),
          ])
        }),
    ])
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
        "descriptor": request.descriptor.map { .string($0.kind.rawValue) } ?? .null,
        "codebook": request.descriptor?.codebook.map { .string($0) } ?? .null,
        "output": .string(request.output),
        "batch": .number(Double(request.batchSize)),
        "threads": .number(Double(threads)),
        "gather": .string(request.gather.rawValue),
        "gathered": .string(gather.rawValue),
        "dedicated-coordinator": .bool(request.dedicatedCoordinator),
        "overwrite": .bool(request.overwrite),
        "retry-failed": .bool(request.retryFailed),
        "keep-kernel": .bool(request.keepsKernelClass),
        "decode": .string(request.recipe.decode.rawValue),
        "precision": .string(request.recipe.precision.rawValue),
        "max-hours": request.maxHours.map { .number($0) } ?? .null,
        "stall-timeout": .number(request.stallTimeoutSeconds),
        "image-timeout": .number(request.imageTimeoutSeconds),
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
          for column in SummaryColumn.all { fields[column.key] = .number(column.seconds(timing)) }
          return .object(fields)
        }),
      "size": .number(Double(size)),
      "rowsBefore": .number(Double(rowsBefore)),
      "elapsedSeconds": .number(elapsedSeconds),
      "prepareSeconds": .number(prepareSeconds),
      "workSeconds": .number(workSeconds),
      "rowsNow": .number(Double(rowsNow)),
      "pace": pace.json(rows: rowsNow, at: workSeconds),
      "gatherSeconds": .number(gatherSeconds),
      "writeSeconds": .number(writeSeconds),
      "finished": .string(ISO8601DateFormatter().string(from: Date())),
      "stopped": stopReason.map { .string($0) } ?? .null,
    ])
  }
}
