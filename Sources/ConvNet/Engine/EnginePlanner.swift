internal import Tensors

/// Makes an engine's plan: goes through the network's layers as far as they are needed, and has each
/// add its steps.
///
/// What becomes of neighbouring layers together is decided here: ReLU is part of the step before it
/// unless the values before it are wanted too; maps get the frame of zeros that their reader wants, so
/// that padding costs nothing; the input is folded as the first layer asks. Which steps take turns,
/// line by line, `MapStage` decides.
struct EnginePlanner {
  let network: Network
  let kernels: EngineKernels
  /// Packs weights.
  let team: ThreadTeam
  private(set) var mapSteps = [any MapStep]()
  private(set) var rowSteps = [any RowStep]()
  private(set) var layouts = [MapLayout]()
  private(set) var inputFolding: SpaceToDepth?

  private let capacity: Int
  private let wanted: Set<BlobName>
  /// Up to the last one whose output is wanted.
  private let layers: ArraySlice<NetworkDefinition.Layer>
  private var maps = [BlobName: Int]()
  private var rows = [BlobName: RowMatrix]()

  /// - Parameters:
  ///   - outputs: activations of `network`.
  ///   - capacity: most images in a batch.
  init(
    _ network: Network, outputs: [BlobName], capacity: Int, kernels: EngineKernels, team: ThreadTeam
  ) {
    self.network = network
    self.kernels = kernels
    self.capacity = capacity
    self.team = team
    wanted = Set(outputs)
    let all = network.definition.layers
    layers = all.prefix((all.lastIndex { outputs.contains($0.output) } ?? -1) + 1)
  }

  /// - Parameter outputs: as they were given to `init`.
  mutating func makePlan(outputs: [BlobName]) -> EnginePlan {
    _ = addMap(.data)
    if wanted.contains(.data) { _ = rows(of: .data) }
    for layer in layers {
      layer.kind.addSteps(layer, to: &self)
      // Now: a step in place would overwrite it.
      if wanted.contains(layer.output) { _ = rows(of: layer.output) }
    }
    return EnginePlan(self, outputs: outputs.map { rows[$0]! })
  }
}

/// What layers ask and add.
extension EnginePlanner {
  /// The ReLU after `layer` is to be done by its step: it can, and nobody wants the values before it.
  func isRectified(_ layer: NetworkDefinition.Layer) -> Bool {
    layer.kind.canRectify && !wanted.contains(layer.output)
      && layers.contains { $0.kind.isReLU && $0.input == layer.output }
  }

  /// The step before `relu` does its work.
  func isDoneBefore(_ relu: NetworkDefinition.Layer) -> Bool {
    layers.contains { $0.output == relu.input && isRectified($0) }
  }

  /// The activations `blob` are maps, not only rows.
  func isMap(_ blob: BlobName) -> Bool { maps[blob] != nil }

  /// The number of a map that an earlier layer has made.
  ///
  /// - Precondition: no inner product, softmax or the like came before.
  func map(of blob: BlobName) -> Int {
    guard let map = maps[blob] else {
      preconditionFailure("\(blob): the layer that reads it wants maps, not rows")
    }
    return map
  }

  /// The rows of `blob`, copied from its map if that is where it is.
  mutating func rows(of blob: BlobName) -> RowMatrix {
    if let found = rows[blob] { return found }
    let matrix = addRows(blob)
    append(
      FlatteningStep(
        layer: "\(blob) rows", map: map(of: blob), folding: blob == .data ? inputFolding : nil,
        rows: matrix))
    return matrix
  }

  /// Room for the rows of `blob`.
  mutating func addRows(_ blob: BlobName) -> RowMatrix {
    let matrix = RowMatrix(count: capacity, width: network.definition.shape(of: blob).count)
    rows[blob] = matrix
    return matrix
  }

  /// A new map for `blob`, framed as the layer that reads it needs.
  mutating func addMap(_ blob: BlobName) -> Int {
    let shape = network.definition.shape(of: blob)
    // By name alone: a ReLU that is done on the way leaves its input's map.
    let readers = layers.filter { $0.input.name == blob.name }
    var layout = MapLayout(
      channels: shape.channels, height: shape.height, width: shape.width,
      padding: readers.map(\.kind.inputPadding).max() ?? 0)
    if blob == .data, let first = layers.first {
      inputFolding = first.kind.inputFolding(layout, output: first.outputShape)
      layout = inputFolding?.output ?? layout
    }
    layouts.append(layout)
    maps[blob] = layouts.count - 1
    return layouts.count - 1
  }

  /// `other` lies where `blob` does.
  mutating func share(_ blob: BlobName, as other: BlobName) {
    if let map = maps[blob] { maps[other] = map } else { rows[other] = rows[blob] }
  }

  mutating func append(_ step: any MapStep) { mapSteps.append(step) }

  mutating func append(_ step: any RowStep) { rowSteps.append(step) }

  /// Adds a new map for the layer's output, made line by line.
  mutating func appendLines(
    _ layer: NetworkDefinition.Layer, window: LineWindow,
    _ body:
      @escaping @Sendable (
        _ kernels: NetworkKernels, _ input: FeatureMap, _ output: FeatureMap, _ lines: Range<Int>
      ) -> Void
  ) {
    let from = map(of: layer.input)
    append(
      LineStep(
        layer: layer.name, from: from, to: addMap(layer.output), window: window, body: body))
  }
}
