internal import Tensors

/// What an engine does for a batch, laid out once: the steps, and where every activation lives.
///
/// The network is a chain, so the plan is its layers up to the last one that is asked for. ReLU is
/// part of the step before it unless the values before it are asked for too.
struct EnginePlan: Sendable {
  /// Run for each image, in the stages' order.
  private(set) var mapSteps = [MapStep]()
  private(set) var mapStages = [MapStage]()
  /// Run for the whole batch, after all map steps.
  private(set) var rowSteps = [RowStep]()
  /// Map 0, the input, and those of a thread's workspace.
  private(set) var layouts = [MapLayout]()
  /// How the input is folded; nil if it is not.
  private(set) var inputFolding: SpaceToDepth?
  /// The wanted activations, in the order they were asked for.
  private(set) var outputs = [RowMatrix]()
  /// Names of the steps' layers, in the order of the steps: for reports.
  private(set) var mapStepNames = [String]()
  private(set) var rowStepNames = [String]()

  private let model: Model
  private let kernels: Kernels
  /// For products in bfloat16; nil for float.
  private let tiles: TileKernels?
  private let capacity: Int
  private let team: ThreadTeam
  private let wanted: Set<BlobName>
  private let layers: ArraySlice<NetworkDefinition.Layer>
  private var maps = [BlobName: Int]()
  private var rows = [BlobName: RowMatrix]()

  /// - Parameters:
  ///   - outputs: reachable in `model`.
  ///   - capacity: most images in a batch.
  ///   - tiles: computes products in bfloat16; nil for float.
  ///   - team: packs the weights.
  init(
    _ model: Model, outputs: [BlobName], capacity: Int, kernels: Kernels, tiles: TileKernels?,
    team: ThreadTeam
  ) {
    self.model = model
    self.kernels = kernels
    self.tiles = tiles
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
    mapStages = makeStages()
  }

  /// Images that go through the map stages together.
  static let chunkSize = 8
  /// Most pixels of a map whose convolution wants several images at once: one alone has too few
  /// tiles to make reading the weights worth while.
  private static let smallMap = 400

  /// Neighbouring steps that take as many images at once make up a stage; those that take several
  /// need no company.
  private func makeStages() -> [MapStage] {
    var ranges = [Range<Int>]()
    for (i, step) in mapSteps.enumerated() {
      if let last = ranges.last, step.imagesAtOnce == 1,
        mapSteps[last.lowerBound].imagesAtOnce == 1
      {
        ranges[ranges.count - 1] = last.lowerBound..<i + 1
      } else {
        ranges.append(i..<i + 1)
      }
    }
    let heights = layouts.map(\.height)
    return ranges.map { MapStage($0, of: mapSteps, heights: heights) }
  }

  /// The thread's own maps for this plan.
  func makeWorkspace() -> Workspace {
    // A map that stays inside a stage of single images is needed once only.
    let copies = layouts.indices.map { map in
      let stages = mapStages.filter { mapSteps[$0.steps].contains { $0.maps.contains(map) } }
      return stages.count == 1 && stages[0].imagesAtOnce == 1 ? 1 : Self.chunkSize
    }
    var convolutions = [any Convolution]()
    for case .convolution(let convolution, _, _, _) in mapSteps { convolutions.append(convolution) }
    return Workspace(
      maps: zip(layouts, copies).dropFirst().map { layout, count in
        (0..<count).map { _ in FeatureMap(layout) }
      },
      points: FloatBuffer(count: convolutions.map(\.pointFloats).max() ?? 0),
      sums: FloatBuffer(count: convolutions.map(\.sumFloats).max() ?? 0))
  }

  /// The ReLU after `layer` can be done by its step: nobody wants the values before it.
  private func isRectified(_ layer: NetworkDefinition.Layer) -> Bool {
    !wanted.contains(layer.output)
      && layers.contains { $0.kind == .relu && $0.input == layer.output }
  }

  private mutating func add(_ layer: NetworkDefinition.Layer) {
    switch layer.kind {
    case .convolution(let it):
      addConvolution(it, layer)
    case .maxPooling(let kernelSize, let stride):
      let from = maps[layer.input]!
      let to = addMap(layer.output)
      append(.maxPooling(from: from, to: to, size: kernelSize, stride: stride), layer.name)
    case .localResponseNormalization(let localSize, let alpha, let beta, let k):
      precondition(
        beta == 0.75 && localSize == Kernels.normalizationSize,
        "the kernel computes the power 0.75 of five channels only")
      let from = maps[layer.input]!
      let to = addMap(layer.output)
      append(.normalization(from: from, to: to, alpha: alpha, k: k), layer.name)
    case .relu:
      addReLU(layer)
    case .innerProduct(let outputs):
      let from = addRows(of: layer.input)
      let to = RowMatrix(count: capacity, width: outputs)
      rows[layer.output] = to
      append(
        .innerProduct(makeProduct(layer.name), from: from, to: to, rectify: isRectified(layer)),
        layer.name)
    case .softmax:
      let from = addRows(of: layer.input)
      let to = RowMatrix(count: capacity, width: from.width)
      rows[layer.output] = to
      append(.softmax(from: from, to: to), layer.name)
    }
  }

  private mutating func addConvolution(
    _ it: NetworkDefinition.Convolution, _ layer: NetworkDefinition.Layer
  ) {
    let from = maps[layer.input]!
    let to = addMap(layer.output)
    let (input, output) = (layouts[from], layouts[to])
    let biases = model.storedParameters(layer.name).biases.floats()
    let rectify = isRectified(layer)
    let slots = output.height * output.width <= Self.smallMap ? Self.chunkSize : 1
    let folding = layer.input == .data ? inputFolding : nil
    // The first filters' sums nearly cancel on smooth images: rounded pixels would show in all layers.
    let convolution = makeConvolution(
      from: input, to: output, kernelSize: folding?.kernelSize ?? it.kernelSize,
      stride: folding == nil ? it.stride : 1, padding: it.padding, groups: it.groups, slots: slots,
      biases: biases, tiles: layer.input == .data ? nil : tiles)
    guard let convolution else {
      preconditionFailure("\(layer.name): every layer of the architectures there are fits")
    }
    pack(layer, convolution.panelCount, convolution.outputs(ofPanel:)) { panel, weights in
      if let folding {
        convolution.pack(panel: panel, folding.fold(weights).span)
      } else {
        convolution.pack(panel: panel, weights)
      }
    }
    append(
      .convolution(convolution, from: from, to: to, rectify: rectify), layer.name)
  }

  /// A convolution without weights; nil when its sizes do not fit the way it is computed.
  private func makeConvolution(
    from input: MapLayout, to output: MapLayout, kernelSize: Int, stride: Int, padding: Int,
    groups: Int, slots: Int, biases: [Float], tiles: TileKernels?
  ) -> (any Convolution)? {
    if let tiles {
      guard stride == 1 else { return nil }
      return TileConvolution(
        from: input, to: output, kernelSize: kernelSize, padding: padding, groups: groups,
        slots: slots, biases: biases, kernels: tiles)
    }
    return WinogradConvolution(
      from: input, to: output, kernelSize: kernelSize, stride: stride, padding: padding,
      groups: groups, slots: slots, biases: biases, kernels: kernels)
  }

  private func makeProduct(_ layer: String) -> any RowProduct {
    let stored = model.storedParameters(layer)
    let biases = stored.biases.floats()
    if let tiles {
      return TileInnerProduct(weights: stored.weights, biases: biases, kernels: tiles)
    }
    return InnerProduct(
      weights: stored.weights, panels: stored.panels, biases: biases, kernels: kernels)
  }

  /// Has the team read the layer's weights, panel by panel, and hand them to `take`.
  private func pack(
    _ layer: NetworkDefinition.Layer, _ panelCount: Int,
    _ outputs: @Sendable (_ panel: Int) -> Range<Int>,
    _ take: @Sendable (_ panel: Int, _ weights: Span<Float>) -> Void
  ) {
    let model = model
    team.forEach(panelCount) { panel, _ in
      model.withWeights(layer.name, outputs: outputs(panel)) { take(panel, $0) }
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
    let layout = MapLayout(
      channels: shape.channels, height: shape.height, width: shape.width,
      padding: padding.max() ?? 0)
    if blob == .data { inputFolding = makeFolding(layout) }
    layouts.append(blob == .data ? inputFolding?.output ?? layout : layout)
    maps[blob] = layouts.count - 1
    return layouts.count - 1
  }

  /// What makes the first convolution's stride 1, if it has one and nothing hinders; the input is
  /// written as it leaves it.
  private func makeFolding(_ input: MapLayout) -> SpaceToDepth? {
    guard let layer = layers.first, case .convolution(let it) = layer.kind, it.stride > 1,
      it.padding == 0, it.groups == 1
    else { return nil }
    let output = model.definition.shape(of: layer.output)
    return SpaceToDepth(
      input, kernelSize: it.kernelSize, stride: it.stride, outputs: (output.height, output.width))
  }

  /// The rows of `blob`, copied from its map if that is where it is.
  private mutating func addRows(of blob: BlobName) -> RowMatrix {
    if let found = rows[blob] { return found }
    let matrix = RowMatrix(count: capacity, width: model.definition.shape(of: blob).count)
    rows[blob] = matrix
    append(
      .flattening(maps[blob]!, folding: blob == .data ? inputFolding : nil, into: matrix),
      "\(blob) rows")
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
