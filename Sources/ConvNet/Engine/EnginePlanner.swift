internal import Tensors

/// Makes an engine's plan: goes through the network's layers as far as they are needed, and has each
/// add its steps.
///
/// What becomes of neighbouring layers together is decided here: ReLU is part of the step before it
/// unless the values before it are wanted too; batch normalization and scaling are part of the
/// convolution before them; maps get the frame of zeros that their reader wants, so
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
  /// What has been rectified by the step that made it.
  private var rectified = Set<BlobName>()
  /// Layers whose work a convolution has done.
  private var folded = Set<String>()

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
    if isWanted(.data) { _ = rows(of: .data) }
    for layer in layers {
      layer.kind.addSteps(layer, to: &self)
      // Now: a step in place would overwrite it.
      if isWanted(layer.output) { _ = rows(of: layer.output) }
    }
    return EnginePlan(self, outputs: outputs.map { rows[$0]! })
  }

  func isWanted(_ blob: BlobName) -> Bool { wanted.contains(blob) && rows[blob] == nil }

  /// The layers behind `layer` that only scale its channels, one after the other.
  func scalings(behind layer: NetworkDefinition.Layer) -> [NetworkDefinition.Layer] {
    guard let next = layers.first(where: { $0.input == layer.output }),
      next.kind.scalesChannels
    else { return [] }
    return [next] + scalings(behind: next)
  }

  mutating func noteFolded(_ layer: String) { folded.insert(layer) }
}

/// What layers ask and add.
extension EnginePlanner {
  /// Whether the step that makes `blob` is to do the work of the ReLU behind it: there is one, and
  /// nobody wants the values before it.
  mutating func rectifies(_ blob: BlobName) -> Bool {
    let does = !wanted.contains(blob) && layers.contains { $0.kind.isPlainReLU && $0.input == blob }
    if does { rectified.insert(blob) }
    return does
  }

  /// The step that made `blob` did the work of the ReLU behind it.
  func isRectified(_ blob: BlobName) -> Bool { rectified.contains(blob) }

  /// The activations `blob` are maps, not only rows.
  func isMap(_ blob: BlobName) -> Bool { maps[blob] != nil }

  /// They are a map that a step may change: any but the input, which is the caller's.
  func canReplace(_ blob: BlobName) -> Bool { maps[blob].map { $0 > 0 } ?? false }

  /// The number of a map that an earlier layer has made.
  ///
  /// - Precondition: no inner product or the like came before.
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

  /// A new map for `blob`, framed as the layers that read it where it lies need.
  mutating func addMap(_ blob: BlobName) -> Int {
    let shape = network.definition.shape(of: blob)
    var layout = MapLayout(
      channels: shape.channels, height: shape.height, width: shape.width,
      padding: framePadding(blob))
    if blob == .data, let first = layers.first {
      inputFolding = first.kind.inputFolding(layout, output: first.outputShape)
      layout = inputFolding?.output ?? layout
    }
    layouts.append(layout)
    maps[blob] = layouts.count - 1
    return layouts.count - 1
  }

  /// What the readers of `blob`, and of all that comes to lie in its place, want of a frame.
  private func framePadding(_ blob: BlobName) -> Int {
    layers.filter { $0.input == blob }.map { layer in
      max(layer.kind.inputPadding, layer.kind.sharesMap ? framePadding(layer.output) : 0)
    }.max() ?? 0
  }

  /// `other` lies where `blob` does.
  mutating func share(_ blob: BlobName, as other: BlobName) {
    if let map = maps[blob] { maps[other] = map } else { rows[other] = rows[blob] }
  }

  /// `other` are the rows of `blob`, and no map.
  mutating func shareRows(_ blob: BlobName, as other: BlobName) { rows[other] = rows(of: blob) }

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

  /// Makes the layer's output of its input pixel by pixel, in its place where it is a map: `body`
  /// changes a pixel's channels, or all activations where there is no plane.
  ///
  /// - Precondition: the kind says that it shares its input's map, whose frame is as wide as all that
  ///   comes to lie there needs.
  mutating func appendPixels(
    _ layer: NetworkDefinition.Layer,
    _ body: @escaping @Sendable (_ channels: inout MutableSpan<Float>) -> Void
  ) {
    precondition(layer.kind.sharesMap, "\(layer.name) works in place, which its kind does not say")
    if canReplace(layer.input) {
      let map = map(of: layer.input)
      share(layer.input, as: layer.output)
      append(InPlaceStep(layer: layer.name, map: map) { $1.changePixels(nil, body) })
    } else if isMap(layer.input) {
      appendLines(layer, window: .pointwise) { _, input, output, lines in
        output.copyLines(lines, of: input)
        output.changePixels(lines, body)
      }
    } else {
      let from = rows(of: layer.input)
      append(
        EachRowStep(layer: layer.name, from: from, to: addRows(layer.output)) { before, after in
          for i in 0..<before.count { after[i] = before[i] }
          body(&after)
        })
    }
  }

  /// Scales the layer's input by channels, unless the convolution before it has done so.
  mutating func appendScaling(_ layer: NetworkDefinition.Layer) {
    if folded.contains(layer.name) { return }
    let scaling = layer.kind.scaling(network.storedParameters(layer.name))
    appendPixels(layer) { scaling.apply(to: &$0) }
  }
}
