internal import Tensors

/// The pairs of steps and gradient changes of L-BFGS, and the direction they suggest.
///
/// A step is kept as the direction that was taken and how far each group went along it, so that the
/// same vector serves here and in the record of how the logits came about (`LogitTrail`).
///
/// Nocedal and Wright, *Numerical Optimization* (2006), algorithm 7.4, in coefficients: the inner
/// products of all stored vectors are kept, so a direction costs two passes over the vectors
/// however many pairs there are (Chen et al., *Large-scale L-BFGS using MapReduce*, 2014). Groups of
/// classes have inner products, and so directions, of their own.
struct LimitedMemory {
  /// Vectors are K rows of `stride` numbers.
  private let stride: Int
  private let classCount: Int
  private let capacity: Int
  /// Directions and changes by slot; slots are overwritten in turn.
  private var directions: [[Float]] = []
  private var changes: [[Float]] = []
  /// Slots from the oldest pair to the newest.
  private var order: [Int] = []
  /// For each group: how far along a slot's direction it went, whether the pair serves it,
  /// `s_i·y_j`, and `y_i·y_j`.
  private var lengths: [[Double]]
  private var isValid: [[Bool]]
  private var stepChange: [[[Double]]]
  private var changeChange: [[[Double]]]

  /// - Parameter groupCount: 1, or as many as classes.
  init(classCount: Int, stride: Int, groupCount: Int) {
    self.stride = stride
    self.classCount = classCount
    // 20 pairs, fewer where they would take more than a gigabyte.
    capacity = min(20, max(5, (1 << 30) / max(1, 8 * classCount * stride)))
    lengths = Array(repeating: Array(repeating: 0, count: capacity), count: groupCount)
    isValid = Array(repeating: Array(repeating: false, count: capacity), count: groupCount)
    let square = Array(repeating: Array(repeating: 0.0, count: capacity), count: capacity)
    stepChange = Array(repeating: square, count: groupCount)
    changeChange = stepChange
  }

  private func group(of class: Int) -> Int { isValid.count == 1 ? 0 : `class` }

  /// Whether a group has pairs to shape its direction.
  func hasPairs(group: Int) -> Bool { isValid[group].contains(true) }

  /// Forgets the pairs of a group.
  mutating func forget(group: Int) {
    isValid[group] = Array(repeating: false, count: capacity)
  }

  /// Stores a pair, K×stride each; rows of classes that are not in `classes` are not looked at.
  ///
  /// - Parameter lengths: for each of `classes`, how far it went along the direction; the same for
  ///   all classes of a group.
  mutating func record(
    direction: [Float], lengths taken: [Double], change: [Float], classes: [Int], team: ThreadTeam
  ) {
    let slot: Int
    if order.count < capacity {
      slot = order.count
      directions.append(direction)
      changes.append(change)
    } else {
      slot = order.removeFirst()
      directions[slot] = direction
      changes[slot] = change
    }
    order.append(slot)
    for g in isValid.indices {
      isValid[g][slot] = false
      lengths[g][slot] = 0
    }
    for (k, length) in zip(classes, taken) { lengths[group(of: k)][slot] = length }

    let squaredSteps = recordProducts(of: slot, classes: classes, team: team)
    for g in Set(classes.map { group(of: $0) }) {
      // H stays positive definite only by pairs with sᵀy > 0 (equation 6.7). On a convex function that
      // fails by rounding alone, and such a pair is useless.
      // Against lengths, for curvatures may be of any size.
      let lengths = squaredSteps[g] * changeChange[g][slot][slot]
      isValid[g][slot] = stepChange[g][slot][slot] > 1e-10 * lengths.squareRoot()
    }
  }

  /// Makes the inner products of a new pair with all others, and with itself.
  ///
  /// - Returns: `‖s‖²` of the pair, for each group.
  private mutating func recordProducts(
    of slot: Int, classes: [Int], team: ThreadTeam
  ) -> [Double] {
    let (direction, change) = (directions[slot], changes[slot])
    let (order, directions, changes, stride) = (order, directions, changes, stride)
    let groups = classes.map { group(of: $0) }
    let products = team.map(classes.count) { [lengths] index, _ -> [Double] in
      let row = classes[index] * stride..<(classes[index] + 1) * stride
      let lengths = lengths[groups[index]]
      let squared = VectorOperations.dot(direction, direction, over: row)
      return [lengths[slot] * lengths[slot] * squared]
        + order.flatMap { other in
          [
            lengths[slot] * VectorOperations.dot(direction, changes[other], over: row),
            lengths[other] * VectorOperations.dot(directions[other], change, over: row),
            VectorOperations.dot(change, changes[other], over: row),
          ]
        }
    }
    for g in Set(classes.map { group(of: $0) }) {
      for other in order {
        stepChange[g][slot][other] = 0
        stepChange[g][other][slot] = 0
        changeChange[g][slot][other] = 0
      }
    }
    var squaredSteps = [Double](repeating: 0, count: isValid.count)
    for (index, products) in zip(classes, products) {
      let g = group(of: index)
      squaredSteps[g] += products[0]
      for (i, other) in order.enumerated() {
        stepChange[g][slot][other] += products[3 * i + 1]
        if other != slot { stepChange[g][other][slot] += products[3 * i + 2] }
        changeChange[g][slot][other] += products[3 * i + 3]
        changeChange[g][other][slot] = changeChange[g][slot][other]
      }
    }
    return squaredSteps
  }

  /// `−H·g` for some classes, H the inverse Hessian that the pairs suggest.
  ///
  /// - Parameters:
  ///   - gradient: K×stride.
  /// - Returns: `classes×stride`.
  func direction(gradient: [Float], classes: [Int], team: ThreadTeam) -> [Float] {
    let (order, directions, changes, stride) = (order, directions, changes, stride)
    let (groups, lengths) = (classes.map { group(of: $0) }, lengths)
    let products = team.map(classes.count) { index, _ -> [Double] in
      let row = classes[index] * stride..<(classes[index] + 1) * stride
      return order.flatMap {
        [
          lengths[groups[index]][$0] * VectorOperations.dot(directions[$0], gradient, over: row),
          VectorOperations.dot(changes[$0], gradient, over: row),
        ]
      }
    }
    var sums = [[Double]](
      repeating: [Double](repeating: 0, count: 2 * order.count), count: isValid.count)
    for (index, products) in zip(classes, products) {
      for i in products.indices { sums[group(of: index)][i] += products[i] }
    }
    var coefficients = [Coefficients?](repeating: nil, count: isValid.count)
    for g in Set(classes.map { group(of: $0) }) {
      coefficients[g] = self.coefficients(group: g, products: sums[g])
    }
    // −H·g = −(gradient·g + Σ changes_j·y_j + Σ steps_j·length_j·direction_j): the second pass.
    let rows = team.map(classes.count) { [coefficients] index, _ -> [Float] in
      let row = classes[index] * stride..<(classes[index] + 1) * stride
      let weights = coefficients[groups[index]]!
      var result = [Float](repeating: 0, count: stride)
      VectorOperations.add(
        gradient, over: row, times: Float(-weights.gradient), to: &result)
      for (i, slot) in order.enumerated() where weights.steps[i] != 0 || weights.changes[i] != 0 {
        VectorOperations.add(
          changes[slot], over: row, times: Float(-weights.changes[i]), to: &result)
        let length = lengths[groups[index]][slot]
        VectorOperations.add(
          directions[slot], over: row, times: Float(-weights.steps[i] * length), to: &result)
      }
      return result
    }
    return rows.flatMap { $0 }
  }

  /// `H·g` in terms of the stored vectors.
  private struct Coefficients {
    var gradient: Double
    var steps: [Double]
    var changes: [Double]
  }

  /// The two loops of Nocedal and Wright, algorithm 7.4, on coefficients.
  ///
  /// The algorithm's vector q, later r, is at all times `gradient·g + Σ steps_j·s_j + Σ changes_j·y_j`.
  /// Its inner products with stored vectors, all that the loops ask of it, are sums of known ones.
  ///
  /// - Parameter products: `s·g` and `y·g` for each pair, oldest first.
  private func coefficients(group g: Int, products: [Double]) -> Coefficients {
    let used = order.indices.filter { isValid[g][order[$0]] }
    var result = Coefficients(
      gradient: 1, steps: [Double](repeating: 0, count: order.count),
      changes: [Double](repeating: 0, count: order.count))
    var alpha = result.steps
    for i in used.reversed() {
      // First loop, newest to oldest: α_i = s_iᵀq / y_iᵀs_i, then q ← q − α_i·y_i. So far
      // q = g + Σ_{j>i} changes_j·y_j.
      var product = products[2 * i]
      for j in used where j > i {
        product += result.changes[j] * stepChange[g][order[i]][order[j]]
      }
      alpha[i] = product / stepChange[g][order[i]][order[i]]
      result.changes[i] = -alpha[i]
    }
    guard let newest = used.last else { return result }
    let slot = order[newest]
    // r ← γ·q with γ = sᵀy / yᵀy of the newest pair (equation 7.20): the curvature along the last step,
    // so that steps of length 1 are mostly accepted.
    let scale = stepChange[g][slot][slot] / changeChange[g][slot][slot]
    result.gradient = scale
    for j in used { result.changes[j] *= scale }
    for i in used {
      // Second loop, oldest to newest: β = y_iᵀr / y_iᵀs_i, then r ← r + (α_i − β)·s_i.
      var product = result.gradient * products[2 * i + 1]
      for j in used {
        product += result.changes[j] * changeChange[g][order[i]][order[j]]
        product += result.steps[j] * stepChange[g][order[j]][order[i]]
      }
      result.steps[i] += alpha[i] - product / stepChange[g][order[i]][order[i]]
    }
    return result
  }
}

// MARK: Checkpoints

extension LimitedMemory {
  /// The directions of all pairs, oldest first.
  var history: [[Float]] { order.map { directions[$0] } }

  /// All but the directions.
  var record: CheckpointRecord {
    var record = CheckpointRecord()
    record.vectors["changes"] = order.map { changes[$0] }
    record.numbers["lengths"] = lengths.flatMap { row in order.map { row[$0] } }
    record.counts["valid"] = isValid.flatMap { row in order.map { row[$0] ? 1 : 0 } }
    func squares(_ values: [[[Double]]]) -> [Double] {
      values.flatMap { square in order.flatMap { i in order.map { square[i][$0] } } }
    }
    record.numbers["step-change"] = squares(stepChange)
    record.numbers["change-change"] = squares(changeChange)
    return record
  }

  /// The memory that a record was made of.
  ///
  /// - Parameter history: directions, of which the last are those of the pairs.
  init(
    _ record: CheckpointRecord, history: [[Float]], classCount: Int, stride: Int, groupCount: Int
  ) throws {
    self.init(classCount: classCount, stride: stride, groupCount: groupCount)
    changes = try record.vectors("changes", length: classCount * stride)
    let count = changes.count
    guard count <= min(capacity, history.count) else {
      throw CheckpointRecord.MissingEntry(name: "directions")
    }
    directions = Array(history.suffix(count))
    order = Array(0..<count)
    let found = try record.numbers("lengths", groupCount * count)
    let valid = try record.counts("valid", groupCount * count)
    let products = try record.numbers("step-change", groupCount * count * count)
    let squares = try record.numbers("change-change", groupCount * count * count)
    for g in 0..<groupCount {
      for i in 0..<count {
        lengths[g][i] = found[g * count + i]
        isValid[g][i] = valid[g * count + i] != 0
        for j in 0..<count {
          stepChange[g][i][j] = products[(g * count + i) * count + j]
          changeChange[g][i][j] = squares[(g * count + i) * count + j]
        }
      }
    }
  }
}
