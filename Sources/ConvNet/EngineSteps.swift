internal import Tensors

/// A step of the part of the network whose activations are maps.
///
/// Maps are numbered by the plan; 0 is the input.
enum MapStep: Sendable {
  case winograd(WinogradConvolution, from: Int, to: Int, rectify: Bool)
  /// Makes the stride of the convolution that follows 1.
  case folding(SpaceToDepth, from: Int, to: Int)
  /// In place.
  case rectification(Int)
  case maxPooling(from: Int, to: Int, size: Int, stride: Int)
  case normalization(from: Int, to: Int, localSize: Int, alpha: Float, k: Float)
  /// Copies a map, C×H×W, into the image's row of a matrix.
  case flattening(Int, into: RowMatrix)

  /// The maps that the step reads or writes.
  var maps: [Int] {
    switch self {
    case .winograd(_, let from, let to, _), .folding(_, let from, let to),
      .maxPooling(let from, let to, _, _),
      .normalization(let from, let to, _, _, _):
      [from, to]
    case .rectification(let index), .flattening(let index, _): [index]
    }
  }

  /// Images that the step takes together; more go through it one after the other.
  var imagesAtOnce: Int {
    if case .winograd(let convolution, _, _, _) = self { convolution.slots } else { 1 }
  }

  /// - Parameter images: of the chunk; at most `imagesAtOnce`.
  func run(_ images: Range<Int>, of chunk: Chunk, _ kernels: Kernels) {
    if case .winograd(let convolution, let from, let to, let rectify) = self {
      run(convolution, images, of: chunk, from: from, to: to, rectify: rectify)
    } else {
      for image in images { run(image: image, of: chunk, kernels) }
    }
  }

  private func run(image: Int, of chunk: Chunk, _ kernels: Kernels) {
    let map = { (index: Int) in chunk.map(index, image: image) }
    switch self {
    case .winograd:
      preconditionFailure("takes all images together")
    case .folding(let folding, let from, let to):
      folding.run(map(from), into: map(to))
    case .rectification(let index):
      kernels.rectify(map(index))
    case .maxPooling(let from, let to, let size, let stride):
      kernels.maxPool(map(from), into: map(to), size: size, stride: stride)
    case .normalization(let from, let to, let localSize, let alpha, let k):
      kernels.normalize(
        map(from), into: map(to), localSize: localSize, alpha: alpha, k: k,
        scratch: chunk.workspace.scratch)
    case .flattening(let index, let rows):
      map(index).copyChannelsFirst(to: rows.buffer, at: rows.range(ofRow: image).lowerBound)
    }
  }

  private func run(
    _ convolution: WinogradConvolution, _ images: Range<Int>, of chunk: Chunk, from: Int, to: Int,
    rectify: Bool
  ) {
    let points = chunk.workspace.points
    let pass = { @Sendable (pass: Int, worker: Int) in
      convolution.run(
        pass: pass, count: images.count, from: points, sums: chunk.workspaces[worker].sums,
        rectify: rectify
      ) { chunk.map(to, image: images.lowerBound + $0) }
    }
    for (slot, image) in images.enumerated() {
      convolution.transform(chunk.map(from, image: image), to: points, slot: slot)
    }
    if let team = chunk.team {
      team.forEach(convolution.passCount, pass)
    } else {
      for number in 0..<convolution.passCount { pass(number, chunk.worker) }
    }
  }
}

/// Consecutive map steps that an image, or several at once, go through before the next.
///
/// Images one by one keep their maps in the caches; convolutions of small maps want several at
/// once, so that their weights are read once for all of them.
struct MapStage: Sendable {
  let steps: Range<Int>
  let imagesAtOnce: Int
}

/// Images of a batch that go through the map stages together, and the thread that sees to them.
struct Chunk: Sendable {
  let images: Range<Int>
  /// Map 0 of the whole batch.
  let inputs: [FeatureMap]
  /// One a thread.
  let workspaces: [Workspace]
  /// The thread, whose workspace holds the maps.
  let worker: Int
  /// Shares out a convolution's output channels; nil to work on one thread alone.
  let team: ThreadTeam?

  var workspace: Workspace { workspaces[worker] }

  /// - Parameter image: counted in the batch.
  func map(_ index: Int, image: Int) -> FeatureMap {
    if index == 0 { return inputs[image] }
    let maps = workspace.maps[index - 1]
    return maps[(image - images.lowerBound) % maps.count]
  }
}

/// The maps that one thread works on, made once and used for image after image.
struct Workspace: Sendable {
  /// Map 1 and up; the input has its own place. As many of each as images need it at once.
  let maps: [[FeatureMap]]
  /// For normalization: a pixel's channels and a margin.
  let scratch: FloatBuffer
  /// For Winograd convolutions: the points of their inputs, and their sums.
  let points: FloatBuffer
  let sums: FloatBuffer
}

/// A step of the part of the network whose activations are rows; runs for a whole batch.
enum RowStep: Sendable {
  case innerProduct(InnerProduct, from: RowMatrix, to: RowMatrix, rectify: Bool)
  /// What is below zero becomes zero; the values before stay in `from`.
  case rectification(from: RowMatrix, to: RowMatrix)
  case softmax(from: RowMatrix, to: RowMatrix)

  /// - Parameters:
  ///   - count: rows.
  ///   - scratch: for inner products.
  func run(count: Int, _ team: ThreadTeam, scratch: RowScratch) {
    switch self {
    case .innerProduct(let product, let from, let to, let rectify):
      product.pack(from, count: count, into: scratch.packed)
      // Each part reads all inputs once: few parts, yet enough that no thread waits long at the end.
      let parts = team.threadCount == 1 ? 1 : 4 * team.threadCount
      team.forEach(parts) { part, _ in
        let outputs = product.outputs * part / parts..<product.outputs * (part + 1) / parts
        product.run(
          outputs: outputs, of: from, count: count, packed: scratch.packed, sums: scratch.sums,
          into: to, rectify: rectify)
      }
    case .rectification(let from, let to):
      team.forEach(count) { row, _ in
        from.buffer.withSpan(from.range(ofRow: row)) { before in
          to.buffer.withMutableSpan(to.range(ofRow: row)) { after in
            for i in 0..<before.count { after[i] = before[i] < 0 ? 0 : before[i] }
          }
        }
      }
    case .softmax(let from, let to):
      team.forEach(count) { row, _ in
        from.buffer.withSpan(from.range(ofRow: row)) { logits in
          to.buffer.withMutableSpan(to.range(ofRow: row)) { probabilities in
            Tensors.softmax(logits, into: &probabilities)
          }
        }
      }
    }
  }
}

/// What all inner products work in, one after the other.
struct RowScratch: Sendable {
  let packed: FloatBuffer
  let sums: FloatBuffer

  /// - Parameter count: most rows.
  init(_ steps: [RowStep], count: Int) {
    let products = steps.compactMap {
      if case .innerProduct(let product, _, _, _) = $0 { product } else { nil }
    }
    packed = FloatBuffer(count: products.map { $0.packedFloats(count: count) }.max() ?? 0)
    sums = FloatBuffer(count: products.map { $0.sumFloats(count: count) }.max() ?? 0)
  }
}
