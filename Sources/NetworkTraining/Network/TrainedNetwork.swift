internal import Communication
internal import ConvNet
internal import Tensors

/// A network with memory for a batch: computes its loss, and the gradients of what is learned.
///
/// Up to its first inner product a rank computes the maps of its own images, whole blocks of the batch.
/// Then ranks share rows, and from there on every rank has all rows of the batch and computes the same,
/// but for the weights of inner products, which are shared out.
final class TrainedNetwork {
  /// A layer, and the buffers that it reads and writes.
  private struct Stage {
    let layer: any TrainedLayer
    let input: FloatBuffer
    let output: FloatBuffer

    /// Places the layer behind another.
    init(_ layer: any TrainedLayer, behind last: Stage?, reading input: FloatBuffer, capacity: Int)
    {
      (self.layer, self.input) = (layer, input)
      let replaces = layer.isInPlace && last?.layer.keepsOutput != true
      output = replaces ? input : FloatBuffer(count: capacity * layer.outputCount)
    }

    func forward(_ images: ImageSet, _ machine: Machine) throws {
      if layer.isInPlace && input !== output {
        let range = 0..<images.count * layer.outputCount
        BufferPart(output, range).copy(from: BufferPart(input, range))
      }
      try layer.forward(images, layer.isInPlace ? output : input, into: output, machine)
    }
  }

  /// Images of a block: its gradient is computed in one go, whoever does.
  static let blockImages = 16

  let plan: NetworkPlan
  let machine: Machine
  /// Images of a batch, at most.
  let capacity: Int
  private let mapStages: [Stage]
  private let rowStages: [Stage]
  /// The rank's own images, `height×width×channels`.
  let input: FloatBuffer
  /// All rows of the batch: what the first layer behind the maps reads, in the order C×H×W.
  let rows: FloatBuffer
  /// What is turned into rows.
  let mapShape: BlobShape
  private let mapOutput: FloatBuffer
  private let logits: FloatBuffer
  private let loss: SoftmaxLoss
  private let mapGradients: [FloatBuffer]
  private let rowGradients: [FloatBuffer]

  /// Which of a network's layers there are.
  enum Part {
    case whole
    /// Those up to the rows.
    case maps
    /// Those from the rows on, which the caller fills in.
    case rows
  }

  init(_ plan: NetworkPlan, capacity: Int, part: Part = .whole, _ machine: Machine) {
    (self.plan, self.capacity, self.machine) = (plan, capacity, machine)
    let blocks = (capacity + Self.blockImages - 1) / Self.blockImages
    let ranks = machine.communicator.size
    let ownBlocks = (blocks + ranks - 1) / ranks
    var builder = LayerBuilder(
      plan: plan, rank: machine.communicator.rank, size: ranks, threads: machine.team.threadCount,
      kernelClass: machine.kernelClass,
      imageCapacity: min(ownBlocks * Self.blockImages, capacity), blockCapacity: ownBlocks)
    let split = plan.layers.firstIndex(where: Self.startsRows) ?? plan.layers.count
    let mapLayers = plan.layers[..<split]
    mapShape = mapLayers.last?.outputShape ?? plan.definition.inputShape
    let images = part == .rows ? 0 : builder.imageCapacity
    input = FloatBuffer(count: images * plan.definition.inputShape.count)
    mapStages = Self.stages(part == .rows ? [] : mapLayers, builder, reading: input)
    mapOutput = mapStages.last?.output ?? input
    (builder.imageCapacity, builder.blockCapacity) = (capacity, blocks)
    rows = FloatBuffer(count: capacity * mapShape.count)
    rowStages = Self.stages(part == .maps ? [] : plan.layers[split...], builder, reading: rows)
    logits = rowStages.last?.output ?? rows
    loss = SoftmaxLoss(classCount: plan.classCount)
    if part == .maps {
      (mapGradients, rowGradients) = ([], [])
      return
    }
    mapGradients = Self.gradients(mapStages)
    let widest = (rowStages.map(\.layer.outputCount) + [mapShape.count]).max()!
    rowGradients = [FloatBuffer(count: capacity * widest), FloatBuffer(count: capacity * widest)]
  }

  /// Places some layers one behind the other.
  private static func stages(
    _ layers: ArraySlice<NetworkDefinition.Layer>, _ builder: LayerBuilder,
    reading input: FloatBuffer
  ) -> [Stage] {
    layers.flatMap(builder.layers).reduce(into: []) { stages, layer in
      stages.append(
        Stage(
          layer, behind: stages.last, reading: stages.last?.output ?? input,
          capacity: builder.imageCapacity))
    }
  }

  /// From here on the network has rows.
  static func startsRows(_ layer: NetworkDefinition.Layer) -> Bool {
    switch layer.operation {
    case .innerProduct, .flattening: true
    default: false
    }
  }

  /// Two buffers for gradients on their way back; none where there is nothing to learn.
  private static func gradients(_ stages: [Stage]) -> [FloatBuffer] {
    guard let lowest = lowestLearned(stages) else { return [] }
    let largest = stages[lowest...].map(\.output.count).max()!
    return [FloatBuffer(count: largest), FloatBuffer(count: largest)]
  }

  private static func lowestLearned(_ stages: [Stage]) -> Int? {
    stages.firstIndex { $0.layer.learns }
  }

  var parameters: [TrainedParameter] { (mapStages + rowStages).flatMap(\.layer.parameters) }

  /// Tells all layers that numbers have changed.
  func prepare() {
    for stage in mapStages + rowStages { stage.layer.prepare(machine) }
  }

  /// The images of a batch that the rank computes: whole blocks.
  static func ownImages(_ count: Int, rank: Int, size: Int) -> Range<Int> {
    let blocks = (count + blockImages - 1) / blockImages
    let own = blocks * rank / size..<blocks * (rank + 1) / size
    return min(own.lowerBound * blockImages, count)..<min(own.upperBound * blockImages, count)
  }

  /// Computes maps of the images in `input` and shares their rows. Collective.
  func computeRows(_ batch: BatchImages) throws {
    let own = batch.own
    let images = batch.ownSet
    if !own.isEmpty {
      for stage in mapStages { try stage.forward(images, machine) }
    }
    BufferPart(rows, 0..<batch.count * mapShape.count).clear()
    turn(own, toRows: true, mapOutput, rows)
    try machine.share(BufferPart(rows, 0..<batch.count * mapShape.count))
  }

  /// Between maps, of the rank's own images, and rows, of the batch.
  private func turn(_ own: Range<Int>, toRows: Bool, _ maps: FloatBuffer, _ rows: FloatBuffer) {
    let (count, channels) = (mapShape.count, mapShape.channels)
    let (kernels, pixels) = (machine.kernels, mapShape.count / mapShape.channels)
    machine.team.forEach(own.count) { image, _ in
      let map = BufferPart(maps, at: image * count, count: count)
      let row = BufferPart(rows, at: (own.lowerBound + image) * count, count: count)
      kernels.transpose(
        toRows ? map : row, leadingDimension: toRows ? channels : pixels,
        rows: toRows ? pixels : channels, columns: toRows ? channels : pixels,
        into: toRows ? row : map, leadingDimension: toRows ? pixels : channels)
    }
  }

  /// The loss of the rows that are there, without gradients. Collective.
  func evaluateRows(_ batch: BatchImages) throws -> SoftmaxLoss.Outcome {
    try forwardRows(batch)
    return loss.evaluate(logits, labels: batch.labels, gradient: nil)
  }

  private func forwardRows(_ batch: BatchImages) throws {
    for stage in rowStages { try stage.forward(batch.wholeSet, machine) }
  }

  /// The loss of the rows that are there, and all gradients. Collective.
  ///
  /// - Throws: `NotFinite` on all ranks when a gradient is no number.
  func learnRows(_ batch: BatchImages) throws -> SoftmaxLoss.Outcome {
    try forwardRows(batch)
    let outcome = loss.evaluate(logits, labels: batch.labels, gradient: rowGradients[0])
    guard outcome.loss.isFinite, outcome.count > 0 else { return outcome }
    try findLargest()
    let mapsLearn = !mapGradients.isEmpty
    let lowest = mapsLearn ? -1 : Self.lowestLearned(rowStages) ?? rowStages.count
    var current = 0
    for (i, stage) in rowStages.enumerated().reversed() where i >= lowest {
      current = try backward(
        stage, batch.wholeSet, rowGradients, current, wantsInput: i > lowest)
    }
    try BlockSums.reduce(rowStages.flatMap(\.layer.blockTerms), of: batch.wholeSet, machine)
    guard mapsLearn else { return outcome }
    turn(batch.own, toRows: false, mapGradients[0], rowGradients[current])
    current = 0
    let lowestMap = Self.lowestLearned(mapStages)!
    for (i, stage) in mapStages.enumerated().reversed() where i >= lowestMap {
      current = try backward(
        stage, batch.ownSet, mapGradients, current, wantsInput: i > lowestMap)
    }
    try BlockSums.reduce(mapStages.flatMap(\.layer.blockTerms), of: batch.ownSet, machine)
    return outcome
  }

  /// Tells the parameters that ranks share out the largest magnitude of all their numbers.
  private func findLargest() throws {
    let shared = rowStages.flatMap(\.layer.parameters).filter { !$0.isWhole }
    var largest = shared.map(\.largest)
    try machine.largest(&largest)
    for (parameter, value) in zip(shared, largest) { parameter.largestOfAll = value }
  }

  /// One layer's way back; which of the two buffers then has the gradient of its input.
  private func backward(
    _ stage: Stage, _ images: ImageSet, _ gradients: [FloatBuffer], _ current: Int,
    wantsInput: Bool
  ) throws -> Int {
    let next = stage.layer.isInPlace ? current : 1 - current
    try stage.layer.backward(
      images, input: stage.input, output: stage.output, outputGradient: gradients[current],
      into: wantsInput ? gradients[next] : nil, machine)
    return next
  }
}
