/// The rows of one training and its test.
struct Trial: Sendable {
  /// Names of the stores that rows come from.
  let roles: [String]
  let training: [SelectedRows.Entry]
  /// Whether each training row is held out to choose C.
  let isHeldOut: [Bool]
  let test: [SelectedRows.Entry]
  let isAugmented: Bool
}

extension SplitPlan {
  /// The order of a store's rows in one split, class by class, drawn when it is asked for: thousands
  /// of splits of millions of rows fit in no memory.
  func order(_ role: String, split: Int) -> [[Int]] {
    RowOrder(
      stores[role]!, classes: classes, domain: role, seed: evaluation.seed, split: split
    ).rows
  }

  /// The rows of one column in one split.
  func trial(_ column: Column, split: Int) -> Trial {
    switch evaluation.design {
    case .fewShot(let fewShot):
      let count = Int(column.name)!
      let rows = order("images", split: split)
      return trial(
        roles: ["images"], training: take(rows, 0..<count, part: 0),
        test: take(
          rows,
          fewShot.reservedRows..<(fewShot.testRows.map { fewShot.reservedRows + $0 } ?? .max),
          part: 0))
    case .fixed:
      return trial(
        roles: ["train", "test"],
        training: take(order("train", split: split), 0..<Int.max, part: 0),
        test: take(order("test", split: split), 0..<Int.max, part: 1))
    case .adaptation(let adaptation):
      let pair = pairs.first { $0.description == column.group }!
      let method = AdaptationMethod(rawValue: column.name)!
      let target = order(pair.target, split: split)
      let fromSource = take(
        order(pair.source, split: split), 0..<adaptation.sourceRows[pair.source]!, part: 0)
      let fromTarget = take(target, 0..<adaptation.targetRows, part: 1)
      return trial(
        roles: [pair.source, pair.target],
        training: (method == .target ? [] : fromSource) + (method == .source ? [] : fromTarget),
        test: take(target, adaptation.targetRows..<Int.max, part: 1),
        isAugmented: method == .augmented)
    }
  }

  /// The rows of every class at these places of its order, class by class.
  private func take(
    _ rows: [[Int]], _ places: Range<Int>, part: Int
  ) -> [SelectedRows.Entry] {
    rows.enumerated().flatMap { label, rows in
      rows[places.clamped(to: 0..<rows.count)].map {
        SelectedRows.Entry(part: part, row: $0, label: label)
      }
    }
  }

  /// Holds out the last rows of each class of each store, which `take` has put one after the other:
  /// the order is drawn, so the last are as good as any, and a longer training set of the same split
  /// begins with the rows of a shorter one.
  private func trial(
    roles: [String], training: [SelectedRows.Entry], test: [SelectedRows.Entry],
    isAugmented: Bool = false
  ) -> Trial {
    var isHeldOut = [Bool](repeating: false, count: training.count)
    if evaluation.path.count > 1, let validation = evaluation.validation {
      var start = 0
      while start < training.count {
        var end = start + 1
        while end < training.count, training[end].label == training[start].label,
          training[end].part == training[start].part
        { end += 1 }
        for i in end - validation.heldOut(of: end - start)..<end { isHeldOut[i] = true }
        start = end
      }
    }
    return Trial(
      roles: roles, training: training, isHeldOut: isHeldOut, test: test, isAugmented: isAugmented)
  }
}
