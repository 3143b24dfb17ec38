internal import Communication
internal import Tensors

/// An inner product whose outputs are shared out between the ranks, in slices.
///
/// Every rank has all rows of the batch and the weights of its own outputs: a weight's gradient is
/// summed over the batch by its owner, in one order, and neither it nor the weight travels (Krizhevsky,
/// *One weird trick for parallelizing convolutional neural networks*, 2014). What travels are the
/// outputs, which ranks share, and the gradient of the input, which is summed over slices of outputs in
/// fixed point: a slice has one order of additions, whoever computes it.
final class TrainedInnerProduct: TrainedLayer {
  let name: String
  let inputCount: Int
  let outputCount: Int
  let parameters: [TrainedParameter]
  /// A rank's outputs for all rows, and their gradient, `outputs × rows`.
  private let turned: FloatBuffer

  /// Outputs of a slice.
  static let sliceOutputs = 128
  /// Inputs that are multiplied at a time.
  private static let columnStep = 512

  /// - Parameters:
  ///   - capacity: rows of a batch, at most.
  ///   - rates: of weights and biases; nil for what is not learned.
  init(
    name: String, inputs: Int, outputs: Int, hasBias: Bool, rates: [ParameterRates?],
    capacity: Int, rank: Int, size: Int
  ) {
    (self.name, inputCount, outputCount) = (name, inputs, outputs)
    let layer = name
    let slices = TrainedParameter.slices(outputs, of: Self.sliceOutputs)
    let own = slices[slices.count * rank / size..<slices.count * (rank + 1) / size]
    let rows = own.isEmpty ? 0..<0 : own.first!.lowerBound..<own.last!.upperBound
    func parameter(_ name: String, _ shape: [Int], _ rates: ParameterRates?) -> TrainedParameter {
      TrainedParameter(
        layer: layer, name: name, shape: shape, rows: rows, sliceRows: Self.sliceOutputs,
        rates: rates)
    }
    parameters =
      [parameter("weight", [outputs, inputs], rates[0])]
      + (hasBias ? [parameter("bias", [outputs], rates[1])] : [])
    turned = FloatBuffer(count: rows.count * capacity)
  }

  private var weights: TrainedParameter { parameters[0] }
  private var biases: TrainedParameter? { parameters.dropFirst().first }
  private var own: Range<Int> { weights.rows }

  private var columnParts: [Range<Int>] {
    stride(from: 0, to: inputCount, by: Self.columnStep).map {
      $0..<min($0 + Self.columnStep, inputCount)
    }
  }

  func forward(
    _ images: ImageSet, _ input: FloatBuffer, into output: FloatBuffer, _ machine: Machine
  ) throws {
    let (count, products, kernels) = (images.count, machine.products, machine.kernels)
    let made = BufferPart(output, 0..<count * outputCount)
    made.clear()
    if !own.isEmpty {
      // Rows are the second factor, so that the many weights are read as they lie, and once.
      let packed = machine.workspaces[0].packed
      products.pack(
        BufferPart(input, 0..<count * inputCount),
        MatrixLayout(leadingDimension: inputCount, isTransposed: true), depth: inputCount,
        columns: count, into: packed)
      let step = 24
      machine.team.forEach((own.count + step - 1) / step) { index, _ in
        let rows = index * step..<min((index + 1) * step, own.count)
        products.multiply(
          rows: rows.count,
          BufferPart(
            weights.values, at: rows.lowerBound * inputCount, count: rows.count * inputCount),
          MatrixLayout(leadingDimension: inputCount), packed,
          into: BufferPart(turned, at: rows.lowerBound * count, count: rows.count * count),
          MatrixLayout(leadingDimension: count))
      }
      let ownMade = made.part(own.lowerBound..<made.count)
      kernels.transpose(
        BufferPart(turned, 0..<own.count * count), leadingDimension: count, rows: own.count,
        columns: count, into: ownMade, leadingDimension: outputCount)
      if let biases {
        kernels.add(
          row: BufferPart(biases.values), toEachOf: count, ownMade, leadingDimension: outputCount)
      }
    }
    try machine.share(made)
  }

  func backward(
    _ images: ImageSet, input: FloatBuffer, output: FloatBuffer, outputGradient: FloatBuffer,
    into inputGradient: FloatBuffer?, _ machine: Machine
  ) throws {
    if weights.isLearned && !own.isEmpty {
      makeWeightGradients(images.count, input, outputGradient, machine)
    }
    if let biases, biases.isLearned && !own.isEmpty {
      var sums = [Double](repeating: 0, count: own.count)
      machine.kernels.addColumns(
        BufferPart(outputGradient, own.lowerBound..<images.count * outputCount),
        leadingDimension: outputCount, rows: images.count, to: &sums)
      BufferPart(biases.gradient).set(sums.map { Float($0) })
    }
    if let inputGradient {
      try makeInputGradient(images.count, outputGradient, into: inputGradient, machine)
    }
  }

  private func makeWeightGradients(
    _ count: Int, _ input: FloatBuffer, _ outputGradient: FloatBuffer, _ machine: Machine
  ) {
    let (products, workspaces, parts) = (machine.products, machine.workspaces, columnParts)
    machine.kernels.transpose(
      BufferPart(outputGradient, own.lowerBound..<count * outputCount),
      leadingDimension: outputCount, rows: count, columns: own.count,
      into: BufferPart(turned, 0..<own.count * count), leadingDimension: count)
    machine.team.forEach(parts.count) { index, worker in
      let columns = parts[index]
      let packed = workspaces[worker].packed
      products.pack(
        BufferPart(input, 0..<count * inputCount),
        MatrixLayout(leadingDimension: inputCount, offset: columns.lowerBound), depth: count,
        columns: columns.count, into: packed)
      products.multiply(
        rows: own.count, BufferPart(turned, 0..<own.count * count),
        MatrixLayout(leadingDimension: count), packed, into: BufferPart(weights.gradient),
        MatrixLayout(leadingDimension: inputCount, offset: columns.lowerBound))
    }
  }

  /// The sum over slices of outputs of their gradients times their weights.
  private func makeInputGradient(
    _ count: Int, _ outputGradient: FloatBuffer, into inputGradient: FloatBuffer,
    _ machine: Machine
  ) throws {
    let sums = try rowSums(count, outputGradient, machine)
    let (parts, workspaces) = (columnParts, machine.workspaces)
    let (products, kernels) = (machine.products, machine.kernels)
    // Column part after column part, each row after row.
    let units = machine.shared.part(.units, UnitSum.floats(count * inputCount))
    @Sendable func unitPart(_ columns: Range<Int>, row: Int) -> BufferPart {
      let start = UnitSum.floats(count * columns.lowerBound + row * columns.count)
      return units.part(start..<start + UnitSum.floats(columns.count))
    }
    machine.team.forEach(parts.count) { index, worker in
      let columns = parts[index]
      for row in 0..<count { unitPart(columns, row: row).clear() }
      let term = workspaces[worker].part(.term, count * columns.count)
      for slice in weights.slices where own.contains(slice.lowerBound) {
        multiply(slice, columns, count, outputGradient, into: term, workspaces[worker], products)
        for row in 0..<count {
          sums[row].add(
            term.part(row * columns.count..<(row + 1) * columns.count),
            to: unitPart(columns, row: row), kernels)
        }
      }
    }
    try machine.sum(units)
    machine.team.forEach(parts.count) { index, _ in
      let columns = parts[index]
      for row in 0..<count {
        sums[row].read(
          unitPart(columns, row: row),
          into: BufferPart(
            inputGradient, at: row * inputCount + columns.lowerBound, count: columns.count),
          kernels)
      }
    }
  }

  /// A slice's outputs' gradients times their weights for some inputs.
  private func multiply(
    _ slice: Range<Int>, _ columns: Range<Int>, _ count: Int, _ outputGradient: FloatBuffer,
    into term: BufferPart, _ workspace: Workspace, _ products: TrainingKernels
  ) {
    products.pack(
      BufferPart(weights.values, weights.range(of: slice)),
      MatrixLayout(leadingDimension: inputCount, offset: columns.lowerBound),
      depth: slice.count, columns: columns.count, into: workspace.packed)
    products.multiply(
      rows: count, BufferPart(outputGradient, 0..<count * outputCount),
      MatrixLayout(leadingDimension: outputCount, offset: slice.lowerBound), workspace.packed,
      into: term, MatrixLayout(leadingDimension: columns.count))
  }

  /// For each row sums with room for its terms, whose magnitudes add up to its gradient's times the
  /// largest weight at most; the same on all ranks.
  private func rowSums(
    _ count: Int, _ outputGradient: FloatBuffer, _ machine: Machine
  ) throws -> [UnitSum] {
    let largest = Double(weights.largestOfAll)
    let bounds = machine.team.map(count) { row, _ in
      BufferPart(outputGradient, at: row * outputCount, count: outputCount).floats
        .reduce(0.0) { $0 + Double(abs($1)) } * largest
    }
    guard bounds.allSatisfy(\.isFinite) else { throw NotFinite() }
    return bounds.map(UnitSum.init)
  }
}
