internal import Classification
internal import FeatureStore
package import Files
internal import Images

extension EvaluationResult {
  /// Everything about the result: the protocol, the stores' identities, and each training's outcome.
  package var json: JSONValue {
    let classCount = plan.classes.count
    return .object([
      "job": .string(job), "files": .array(fileNames.map { .string($0) }),
      "unconverged": .number(Double(unconvergedCount)),
      "unproved": .number(Double(unprovedCount)),
      "protocol": evaluation.json,
      "stores": .object(plan.stores.mapValues { .string($0.manifest.fingerprint) }),
      "classes": .array(plan.classes.map { .string($0.description) }),
      "cells": .array(
        cells.map { cell in
          var members: [String: JSONValue] = [
            "layer": .string(cell.method.layer), "loss": .string(cell.method.loss.rawValue),
            "dropout": .number(cell.method.dropout),
            "group": .string(cell.column.group), "column": .string(cell.column.name),
            "accuracy": .number(cell.mean),
            "deviation": cell.deviation.map { .number($0) } ?? .null,
            "splits": .array(cell.outcomes.map { Self.json($0, classCount) }),
          ]
          if let paper = cell.paper {
            members["paper"] = .object([
              "method": paper.method.map { .string($0) } ?? .null,
              "accuracy": .number(paper.accuracy),
              "deviation": paper.deviation.map { .number($0) } ?? .null,
            ])
          }
          return .object(members)
        }),
      "departures": .array(departures.map { .string($0) }),
      "baselines": .array(
        baselines.map { baseline in
          .object([
            "method": .string(baseline.method), "group": .string(baseline.group),
            "column": .string(baseline.column), "accuracy": .number(baseline.accuracy),
            "deviation": baseline.deviation.map { .number($0) } ?? .null,
          ])
        }),
    ])
  }

  private static func json(_ outcome: Outcome, _ classCount: Int) -> JSONValue {
    let (correct, total) = outcome.counts(classCount: classCount)
    return .object([
      "accuracy": .number(outcome.meanPerClass(classCount: classCount)),
      "accuracy_of_rows": .number(outcome.overall(classCount: classCount)),
      "C": .number(outcome.C),
      "validation_accuracy": outcome.validation.map { .number(100 * $0) } ?? .null,
      "relative_gap": .number(outcome.relativeGap), "converged": .bool(outcome.isConverged),
      "not_finite": .number(Double(outcome.notFinite)),
      "correct": .array(correct.map { .number(Double($0)) }),
      "tested": .array(total.map { .number(Double($0)) }),
    ])
  }
}

extension EvaluationProtocol {
  /// The protocol as it was run.
  var json: JSONValue {
    var members: [String: JSONValue] = [
      "name": .string(name), "title": .string(title),
      "layers": .array(layers.map { .string($0) }),
      "losses": .array(losses.map { .string($0.rawValue) }),
      "dropout": .array(dropout.map { .number($0) }),
      "dropout-copies": .number(Double(dropoutCopies)),
      "normalize": .string(normalization.rawValue),
      "C": .array(path.map { .number($0) }),
      "splits": .number(Double(splitCount)), "seed": .number(Double(seed)),
      "tolerance": .number(tolerance),
    ]
    if let dropoutLayers {
      members["dropout-layers"] = .array(dropoutLayers.map { .string($0) })
    }
    if let validation {
      members["validation"] = .object([
        "rows": .number(Double(validation.rows)), "of": .number(Double(validation.of)),
        "fallback-C": .number(validation.fallback),
      ])
    }
    switch design {
    case .fewShot(let fewShot):
      members["kind"] = .string("few-shot")
      members["training-rows"] = .array(fewShot.trainingRows.map { .number(Double($0)) })
      members["reserved-rows"] = .number(Double(fewShot.reservedRows))
      members["test-rows"] = fewShot.testRows.map { .number(Double($0)) } ?? .null
    case .fixed:
      members["kind"] = .string("fixed")
    case .adaptation(let adaptation):
      members["kind"] = .string("adaptation")
      members["source-rows"] = .object(adaptation.sourceRows.mapValues { .number(Double($0)) })
      members["target-rows"] = .number(Double(adaptation.targetRows))
      members["pairs"] = .array(adaptation.pairs.map { .string($0.description) })
      members["methods"] = .array(adaptation.methods.map { .string($0.rawValue) })
    }
    return .object(members)
  }
}
