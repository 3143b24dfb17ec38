internal import Communication
internal import Tensors

/// The squared hinge: its classes shared out over ranks and threads, each solved by `FiniteNewton`.
extension RowSpaceSolver {
  private typealias Solved = (point: FiniteNewton.Point, steps: Int)

  /// Solves all classes, in rounds that last until it is time to pause. Collective.
  func solveHinge(
    from warm: Point?, resuming found: State?, pauses: Pauses
  ) throws -> (point: Point, steps: Int) {
    let (count, size) = (gram.classCount, gram.rowCount)
    let zeros = Point(
      coefficients: [Double](repeating: 0, count: size * count),
      bias: [Double](repeating: 0, count: count),
      products: [Double](repeating: 0, count: size * count))
    var state = found ?? State(point: warm ?? zeros, isWarm: warm != nil)
    while state.solved.count < count {
      let open = (0..<count).filter { !state.solved.contains($0) }
      let own = open.indices.filter { $0 % context.communicator.size == context.communicator.rank }
        .map { open[$0] }
      let solved = solve(own, from: state.isWarm ? state.point : nil, isDue: pauses.isDue())
      try share(solved, &state)
      if state.solved.count < count { try pauses.pause { state } }
    }
    return (state.point, state.steps)
  }

  /// Solves classes, at least as many as there are threads, until it is time to pause.
  ///
  /// - Returns: the minima by class.
  private func solve(
    _ classes: [Int], from warm: Point?, isDue: @escaping @Sendable () -> Bool
  ) -> [Int: Solved] {
    let newton = FiniteNewton(
      gram: gram.products, weights: gram.weights, C: options.C,
      regularizesBias: options.regularizesBias, maximumSteps: options.maximumIterations,
      kernels: context.kernels)
    let targets = classes.map { k in gram.labels.map { Int($0) == k ? 1.0 : -1.0 } }
    let starts = warm.map { point in classes.map { column(of: point, $0) } }
    let threadCount = context.team.threadCount
    let firsts = context.team.map(classes.count) {
      index, _ -> (start: FiniteNewton.Point, Solved?)? in
      // Every thread ends what it began, so that even the shortest round gets somewhere.
      if index >= threadCount && isDue() { return nil }
      let start = starts?[index] ?? newton.start(targets: targets[index])
      if newton.isActiveEverywhere(start, targets[index]) { return (start, nil) }
      return (start, newton.solve(targets: targets[index], from: start))
    }
    var solved: [Int: Solved] = [:]
    for (k, first) in zip(classes, firsts) { solved[k] = first?.1 }
    // Classes without a row outside the margin share one factorization of all.
    let whole = firsts.indices.filter { firsts[$0] != nil && firsts[$0]!.1 == nil }
    if whole.isEmpty { return solved }
    let minima = newton.minimaOnAllRows(whole.map { targets[$0] }, team: context.team)
    let others = context.team.map(whole.count) { index, _ -> Solved in
      let target = targets[whole[index]]
      return newton.isActiveEverywhere(minima[index], target)
        ? (minima[index], 1) : newton.solve(targets: target, from: minima[index])
    }
    for (index, result) in zip(whole, others) { solved[classes[index]] = result }
    return solved
  }

  /// Gives every rank the minima that each has found. Collective.
  private func share(_ solved: [Int: Solved], _ state: inout State) throws {
    let (count, size) = (gram.classCount, gram.rowCount)
    var isSolved = (0..<count).map { Int64(solved[$0] == nil ? 0 : 1) }
    if context.communicator.size > 1 { try context.communicator.allreduce(&isSolved, .maximum) }
    let classes = (0..<count).filter { isSolved[$0] != 0 }
    // Every class is solved by one rank: the others' numbers are zero, and a sum of bits shares them.
    // Of each class the bias, the steps, the coefficients and their products.
    let length = 2 * size + 2
    var values = [Double](repeating: 0, count: classes.count * length)
    for (index, k) in classes.enumerated() {
      guard let (point, steps) = solved[k] else { continue }
      let bias = options.regularizesBias ? point.coefficients.reduce(0, +) : point.bias
      values.replaceSubrange(
        index * length..<(index + 1) * length,
        with: [bias, Double(steps)] + point.coefficients + point.products)
    }
    try context.communicator.share(&values)
    for (index, k) in classes.enumerated() {
      let base = index * length
      state.point.bias[k] = values[base]
      state.steps = max(state.steps, Int(values[base + 1]) + 1)
      for i in 0..<size {
        state.point.coefficients[i * count + k] = values[base + 2 + i]
        state.point.products[i * count + k] = values[base + 2 + size + i]
      }
    }
    state.solved += classes
  }

  /// One class of a point.
  private func column(of point: Point, _ k: Int) -> FiniteNewton.Point {
    let (count, size) = (gram.classCount, gram.rowCount)
    return FiniteNewton.Point(
      coefficients: (0..<size).map { point.coefficients[$0 * count + k] },
      bias: options.regularizesBias ? 0 : point.bias[k],
      products: (0..<size).map { point.products[$0 * count + k] })
  }
}
