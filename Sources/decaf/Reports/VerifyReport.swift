internal import Extraction
internal import FeatureStore
internal import Files

/// What `decaf verify` found.
struct VerifyReport {
  let audit: StoreAudit
  /// Nil where no row was computed anew.
  var recomputation: RowRecomputation?

  var problems: [String] { audit.problems + (recomputation?.problems ?? []) }
  var isSound: Bool { problems.isEmpty }

  func text(_ store: String) -> String {
    var lines = audit.summary + audit.notes.map { "note: \($0)" }
    if let recomputation { lines.append("computed anew: \(recomputation.count) rows") }
    lines += problems.map { "damaged: \($0)" }
    if isSound { lines.append("store \(store) is complete and undamaged") }
    return lines.joined(separator: "\n")
  }

  func json(_ store: String) -> JSONValue {
    .object([
      "store": .string(store),
      "sound": .bool(isSound),
      "summary": .array(audit.summary.map { .string($0) }),
      "notes": .array(audit.notes.map { .string($0) }),
      "problems": .array(problems.map { .string($0) }),
      "recomputedRows": recomputation.map { .number(Double($0.count)) } ?? .null,
    ])
  }
}
