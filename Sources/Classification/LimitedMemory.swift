internal import Tensors

/// The pairs of steps and gradient changes of L-BFGS, and the direction they suggest.
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
  /// Steps and changes by slot; slots are overwritten in turn.
  private var steps: [[Float]] = []
  private var changes: [[Float]] = []
  /// Slots from the oldest pair to the newest.
  private var order: [Int] = []
  /// For each group: whether a slot's pair serves it, `s_i·y_j`, and `y_i·y_j`.
  private var isValid: [[Bool]]
  private var stepChange: [[[Double]]]
  private var changeChange: [[[Double]]]

  /// - Parameter groupCount: 1, or as many as classes.
  init(classCount: Int, stride: Int, groupCount: Int) {
    self.stride = stride
    self.classCount = classCount
    // 20 pairs, fewer where they would take more than a gigabyte.
    capacity = min(20, max(5, (1 << 30) / max(1, 8 * classCount * stride)))
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
  mutating func record(step: [Float], change: [Float], classes: [Int], team: ThreadTeam) {
    let slot: Int
    if order.count < capacity {
      slot = order.count
      steps.append(step)
      changes.append(change)
    } else {
      slot = order.removeFirst()
      steps[slot] = step
      changes[slot] = change
    }
    order.append(slot)
    for g in isValid.indices { isValid[g][slot] = false }

    let (order, steps, changes, stride) = (order, steps, changes, stride)
    let products = team.map(classes.count) { index, _ -> [Double] in
      let row = classes[index] * stride..<(classes[index] + 1) * stride
      return order.flatMap { other in
        [
          VectorOperations.dot(step, changes[other], over: row),
          VectorOperations.dot(steps[other], change, over: row),
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
    for (index, products) in zip(classes, products) {
      let g = group(of: index)
      for (i, other) in order.enumerated() {
        stepChange[g][slot][other] += products[3 * i]
        if other != slot { stepChange[g][other][slot] += products[3 * i + 1] }
        changeChange[g][slot][other] += products[3 * i + 2]
        changeChange[g][other][slot] = changeChange[g][slot][other]
      }
    }
    for g in Set(classes.map { group(of: $0) }) {
      // A pair without positive curvature, by rounding alone on a convex function, is useless.
      isValid[g][slot] = stepChange[g][slot][slot] > 1e-12 * changeChange[g][slot][slot]
    }
  }

  /// `−H·g` for some classes, H the inverse Hessian that the pairs suggest.
  ///
  /// - Parameters:
  ///   - gradient: K×stride.
  /// - Returns: `classes×stride`.
  func direction(gradient: [Float], classes: [Int], team: ThreadTeam) -> [Float] {
    let (order, steps, changes, stride) = (order, steps, changes, stride)
    let products = team.map(classes.count) { index, _ -> [Double] in
      let row = classes[index] * stride..<(classes[index] + 1) * stride
      return order.flatMap {
        [
          VectorOperations.dot(steps[$0], gradient, over: row),
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
    let groups = classes.map { group(of: $0) }
    let rows = team.map(classes.count) { [coefficients] index, _ -> [Float] in
      let row = classes[index] * stride..<(classes[index] + 1) * stride
      let weights = coefficients[groups[index]]!
      var result = [Float](repeating: 0, count: stride)
      VectorOperations.add(
        gradient, over: row, times: Float(-weights.gradient), to: &result)
      for (i, slot) in order.enumerated() where weights.steps[i] != 0 || weights.changes[i] != 0 {
        VectorOperations.add(
          changes[slot], over: row, times: Float(-weights.changes[i]), to: &result)
        VectorOperations.add(steps[slot], over: row, times: Float(-weights.steps[i]), to: &result)
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

  /// - Parameter products: `s·g` and `y·g` for each pair, oldest first.
  private func coefficients(group g: Int, products: [Double]) -> Coefficients {
    let used = order.indices.filter { isValid[g][order[$0]] }
    var result = Coefficients(
      gradient: 1, steps: [Double](repeating: 0, count: order.count),
      changes: [Double](repeating: 0, count: order.count))
    var alpha = result.steps
    for i in used.reversed() {
      // s_i · (g + Σ changes_j·y_j)
      var product = products[2 * i]
      for j in used where j > i {
        product += result.changes[j] * stepChange[g][order[i]][order[j]]
      }
      alpha[i] = product / stepChange[g][order[i]][order[i]]
      result.changes[i] = -alpha[i]
    }
    guard let newest = used.last else { return result }
    let slot = order[newest]
    let scale = stepChange[g][slot][slot] / changeChange[g][slot][slot]
    result.gradient = scale
    for j in used { result.changes[j] *= scale }
    for i in used {
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
