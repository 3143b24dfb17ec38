internal import Communication
internal import Tensors

/// Steps of gradient descent on a network's parameters: Caffe's `SGDSolver`, or LARS.
struct Descent {
  let settings: SolverSettings

  /// Numbers that a thread changes at a time.
  private static let tile = 1 << 16

  /// Takes one step with the gradients that the parameters hold.
  ///
  /// Collective. Every number is changed by its own gradient alone; what is common to many, lengths of
  /// gradients and weights, is summed over slices, in one order on all ranks.
  ///
  /// - Throws: `NotFinite` on all ranks when a length is no number.
  func step(_ parameters: [TrainedParameter], iteration: Int, _ machine: Machine) throws {
    let learned = parameters.filter(\.isLearned)
    let isLARS = settings.method == .lars
    var gradients = [Double](repeating: 0, count: learned.count)
    if settings.clipGradients != nil || isLARS {
      gradients = try squaredLengths(learned, \.gradient, machine)
    }
    var scale = 1.0
    if let limit = settings.clipGradients {
      let length = gradients.reduce(0, +).squareRoot()
      if length > limit { scale = limit / length }
    }
    let weights = isLARS ? try squaredLengths(learned, \.values, machine) : []
    for (i, parameter) in learned.enumerated() {
      let rates = parameter.rates!
      let decay = settings.weightDecay * Double(rates.decay)
      var rate = Double(settings.rate(iteration)) * Double(rates.rate)
      if isLARS && weights[i] > 0 && gradients[i] > 0 {
        let length = weights[i].squareRoot()
        rate *= settings.trust * length / (scale * gradients[i].squareRoot() + decay * length)
      }
      descend(
        parameter,
        .init(
          scale: Float(scale), rate: Float(rate), momentum: Float(settings.momentum),
          decay: Float(decay)), machine)
    }
  }

  private func descend(
    _ parameter: TrainedParameter, _ step: LayerKernels.Descent, _ machine: Machine
  ) {
    let (count, kernels) = (parameter.values.count, machine.kernels)
    let largest = machine.team.map((count + Self.tile - 1) / Self.tile) { index, _ in
      let range = index * Self.tile..<min((index + 1) * Self.tile, count)
      return kernels.descend(
        BufferPart(parameter.values, range), history: BufferPart(parameter.history, range),
        gradient: BufferPart(parameter.gradient, range), step)
    }
    parameter.largest = largest.max() ?? 0
  }

  /// For each parameter the sum of a buffer's squares over all ranks.
  private func squaredLengths(
    _ parameters: [TrainedParameter], _ buffer: KeyPath<TrainedParameter, FloatBuffer>,
    _ machine: Machine
  ) throws -> [Double] {
    // A slice has one owner; what all ranks have counts on rank 0.
    var sums: [Double] = []
    for parameter in parameters {
      for slice in parameter.slices {
        let isOwn =
          parameter.isWhole
          ? machine.communicator.rank == 0 : parameter.rows.contains(slice.lowerBound)
        sums.append(
          isOwn
            ? parameter[keyPath: buffer].withSpan(parameter.range(of: slice)) {
              VectorOperations.squaredNorm($0)
            } : 0)
      }
    }
    try machine.share(&sums)
    guard sums.allSatisfy(\.isFinite) else { throw NotFinite() }
    var rest = sums[...]
    return parameters.map { parameter in
      let own = rest.prefix(parameter.slices.count)
      rest = rest.dropFirst(own.count)
      return own.reduce(0, +)
    }
  }
}
