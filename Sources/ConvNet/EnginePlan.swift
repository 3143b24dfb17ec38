internal import Tensors

/// What an engine does for a batch, laid out once: the steps, and where every activation lives.
///
/// The network is a chain, so the plan is its layers up to the last one that is asked for. ReLU is
/// part of the step before it unless the values before it are asked for too.
struct EnginePlan: Sendable {
  /// Run for each image.
  private(set) var mapSteps = [MapStep]()
  /// Run for the whole batch, after all map steps.
  private(set) var rowSteps = [RowStep]()
  /// Map 0, the input, and those of a thread's workspace.
  private(set) var layouts = [MapLayout]()
  /// The wanted activations, in the order they were asked for.
  private(set) var outputs = [RowMatrix]()
  /// Names of the steps' layers, in the order of the steps: for reports.
  private(set) var mapStepNames = [String]()
  private(set) var rowStepNames = [String]()

  private let model: Model
  private let kernels: Kernels
  private let capacity: Int
  private let team: ThreadTeam
  private let wanted: Set<BlobName>
  private let layers: ArraySlice<NetworkDefinition.Layer>
  private var maps = [BlobName: Int]()
  private var rows = [BlobName: RowMatrix]()

  /// - Parameters:
  ///   - outputs: reachable in `model`.
  ///   - capacity: most images in a batch.
  ///   - team: packs the weights.
  init(
    _ model: Model, outputs: [BlobName], capacity: Int, kernels: Kernels, team: ThreadTeam
  ) {
    self.model = model
    self.kernels = kernels
    self.capacity = capacity
    self.team = team
    wanted = Set(outputs)
    let all = model.definition.layers
    layers = all.prefix((all.lastIndex { outputs.contains($0.output) } ?? -1) + 1)
    _ = addMap(.data)
    if wanted.contains(.data) { _ = addRows(of: .data) }
    for layer in layers {
      add(layer)
      if wanted.contains(layer.output) { _ = addRows(of: layer.output) }
    }
    self.outputs = outputs.map { rows[$0]! }
  }

  /// The thread's own maps for this plan.
  func makeWorkspace() -> Workspace {
    Workspace(
      maps: layouts.dropFirst().map { FeatureMap($0) },
      scratch: FloatBuffer(count: layouts.map(\.channels).max()! + 64))
  }

  /// The ReLU after `layer` can be done by its step: nobody wants the values before it.
  private func isRectified(_ layer: NetworkDefinition.Layer) -> Bool {
    !wanted.contains(layer.output)
      && layers.contains { $0.kind == .relu && $0.input == layer.output }
  }

  private mutating func add(_ layer: NetworkDefinition.Layer) {
    switch layer.kind {
    case .convolution(let it):
      let from = maps[layer.input]!
      let to = addMap(layer.output)
      let convolution = PackedConvolution(
        from: layouts[from], to: layouts[to], kernelSize: it.kernelSize, stride: it.stride,
        padding: it.padding, groups: it.groups,
        biases: model.storedParameters(layer.name).biases.floats(), kernels: kernels)
      let model = model
      team.forEach(convolution.panelCount) { panel, _ in
        model.withWeights(layer.name, outputs: convolution.outputs(ofPanel: panel)) {
          convolution.pack(panel: panel, $0)
        }
      }
      append(
        .convolution(convolution, from: from, to: to, rectify: isRectified(layer)), layer.name)
    case .maxPooling(let kernelSize, let stride):
      let from = maps[layer.input]!
      let to = addMap(layer.output)
      append(.maxPooling(from: from, to: to, size: kernelSize, stride: stride), layer.name)
    case .localResponseNormalization(let localSize, let alpha, let beta, let k):
      precondition(beta == 0.75, "the normalization kernel computes the power 0.75 only")
      let from = maps[layer.input]!
      let to = addMap(layer.output)
      append(
        .normalization(from: from, to: to, localSize: localSize, alpha: alpha, k: k), layer.name)
    case .relu:
      addReLU(layer)
    case .innerProduct(let outputs):
      let from = addRows(of: layer.input)
      let to = RowMatrix(count: capacity, width: outputs)
      rows[layer.output] = to
      let product = PackedProduct(
        segments: [0..<from.width], biases: model.storedParameters(layer.name).biases.floats(),
        kernels: kernels)
      let model = model
      team.forEach(product.panelCount) { panel, _ in
        model.withWeights(layer.name, outputs: product.outputs(ofPanel: panel)) {
          product.pack(panel: panel, $0)
        }
      }
      let productRows = ProductRows(
        inputs: (0..<capacity).map { $0 * from.pitch },
        outputs: (0..<capacity).map { $0 * to.pitch }
      )
      append(
        .product(product, productRows, from: from, to: to, rectify: isRectified(layer)), layer.name)
    case .softmax:
      let from = addRows(of: layer.input)
      let to = RowMatrix(count: capacity, width: from.width)
      rows[layer.output] = to
      append(.softmax(from: from, to: to), layer.name)
    }
  }

  private mutating func addReLU(_ layer: NetworkDefinition.Layer) {
    let isDone = !wanted.contains(layer.input)
    if let map = maps[layer.input] {
      maps[layer.output] = map
      if !isDone { append(.rectification(map), layer.name) }
    } else {
      let from = rows[layer.input]!
      let to = isDone ? from : RowMatrix(count: capacity, width: from.width)
      rows[layer.output] = to
      if !isDone { append(.rectification(from: from, to: to), layer.name) }
    }
  }

  /// A new map for `blob`, framed as the convolution that reads it needs.
  private mutating func addMap(_ blob: BlobName) -> Int {
    let shape = model.definition.shape(of: blob)
    let readers = layers.filter { $0.input.name == blob.name }
    let padding = readers.map { layer in
      if case .convolution(let it) = layer.kind { it.padding } else { 0 }
    }
    layouts.append(
      MapLayout(
        channels: shape.channels, height: shape.height, width: shape.width,
        padding: padding.max() ?? 0))
    maps[blob] = layouts.count - 1
    return layouts.count - 1
  }

  /// The rows of `blob`, copied from its map if that is where it is.
  private mutating func addRows(of blob: BlobName) -> RowMatrix {
    if let found = rows[blob] { return found }
    let matrix = RowMatrix(count: capacity, width: model.definition.shape(of: blob).count)
    rows[blob] = matrix
    append(.flattening(maps[blob]!, into: matrix), "\(blob) rows")
    return matrix
  }

  private mutating func append(_ step: MapStep, _ name: String) {
    mapSteps.append(step)
    mapStepNames.append(name)
  }

  private mutating func append(_ step: RowStep, _ name: String) {
    rowSteps.append(step)
    rowStepNames.append(name)
  }
}
