package import Communication
package import ConvNet
internal import Files
package import Tensors

/// Single steps of a training on images in memory: what a benchmark times.
package final class TrainingStepper {
  private let network: TrainedNetwork
  private let machine: Machine
  private let descent: Descent
  private let batch: BatchImages
  /// What `sumPlainly` sums, kept as the gradients' memory would be.
  private var plain: [Int64] = []

  /// Starts from a model's weights, without dropout. Collective.
  ///
  /// - Parameters:
  ///   - labels: of the batch's images.
  ///   - rate: the learning rate.
  package init(
    _ model: Model, labels: [Int], rate: Double, communicator: any Communicator, team: ThreadTeam
  ) throws {
    let kernelClass = try communicator.lowest { try KernelClass.current }
    machine = Machine(communicator, team: team, kernelClass: kernelClass)
    let text = try TrainingText(
      Array(model.architecture.text.utf8), source: model.architecture.rawValue)
    let plan = try NetworkPlan(text, seed: 0)
    var settings = SolverSettings()
    settings.baseRate = rate
    descent = Descent(settings: settings)
    batch = BatchImages(
      labels: labels, streams: labels.map { UInt64($0) }, isTraining: false,
      rank: communicator.rank, size: communicator.size)
    network = TrainedNetwork(plan, capacity: labels.count, machine)
    for parameter in network.parameters {
      let layer = plan.definition.layers.first { $0.name == parameter.layer }!
      let part = layer.parameterShapes.firstIndex { $0.name == parameter.name }!
      let numbers = model.storedParameters(parameter.layer).blobs[part]
      let length = parameter.rowLength
      for slice in parameter.slices
      where parameter.isWhole || parameter.rows.contains(slice.lowerBound) {
        parameter.set(
          parameter.values, rows: slice,
          numbers.floats(slice.lowerBound * length..<slice.upperBound * length))
      }
      parameter.largest = machine.kernels.largestMagnitude(BufferPart(parameter.values))
    }
    network.prepare()
  }

  package var kernelClass: KernelClass { machine.kernelClass }

  /// The images of the batch that this rank computes.
  package var own: Range<Int> { batch.own }

  /// Takes one of them, C×H×W.
  package func setImage(_ number: Int, _ values: [Float]) {
    let shape = network.plan.definition.inputShape
    FeatureMap(
      network.input, at: (number - batch.own.lowerBound) * shape.count,
      MapLayout(channels: shape.channels, height: shape.height, width: shape.width)
    ).setChannelsFirst(values.span)
  }

  /// Forward, backward and the step; the mean loss. Collective.
  @discardableResult
  package func step() throws -> Double {
    try network.computeRows(batch)
    let outcome = try network.learnRows(batch)
    try descent.step(network.parameters, iteration: 0, machine)
    network.prepare()
    return outcome.loss / Double(outcome.count)
  }

  /// Sums a number for each of the network's parameters over ranks, two in each integer of 64 bits: what
  /// data parallel training of all layers would have to move in a step. Collective.
  package func sumPlainly() throws {
    let count = network.parameters.reduce(0) { $0 + $1.count }
    var pairs = plain.isEmpty ? [Int64](repeating: 1, count: (count + 1) / 2) : plain
    plain = []
    try machine.communicator.allreduce(&pairs, .sum)
    plain = pairs
  }

  /// Gradients of the last step, layer by layer, in the order of files; on rank 0. Collective.
  package func gradients() throws -> [Float] {
    var gradients: [Float] = []
    for parameter in network.parameters {
      for slice in parameter.slices {
        gradients += try machine.gather(parameter, parameter.gradient, rows: slice)
      }
    }
    return gradients
  }
}
