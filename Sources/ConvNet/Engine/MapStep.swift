internal import Tensors

/// A step of the part of the network whose activations are maps.
///
/// Maps are numbered by the plan; 0 is the input.
enum MapStep: Sendable {
  case convolution(any Convolution, from: Int, to: Int, rectify: Bool)
  /// In place.
  case rectification(Int)
  case maxPooling(from: Int, to: Int, size: Int, stride: Int)
  case normalization(from: Int, to: Int, alpha: Float, k: Float)
  /// Copies a map, unfolded if need be, C×H×W, into the image's row of a matrix.
  case flattening(Int, folding: SpaceToDepth?, into: RowMatrix)

  /// The maps that the step reads or writes.
  var maps: [Int] {
    switch self {
    case .convolution(_, let from, let to, _), .maxPooling(let from, let to, _, _),
      .normalization(let from, let to, _, _):
      [from, to]
    case .rectification(let index), .flattening(let index, _, _): [index]
    }
  }

  /// Images that the step takes together; more go through it one after the other.
  var imagesAtOnce: Int {
    if case .convolution(let convolution, _, _, _) = self { convolution.slots } else { 1 }
  }

  /// - Parameters:
  ///   - images: of the chunk; at most `imagesAtOnce`.
  ///   - part: what of the step to do.
  func run(_ images: Range<Int>, part: StepPart, of chunk: Chunk, _ kernels: Kernels) {
    if case .convolution(let convolution, let from, let to, let rectify) = self {
      run(
        convolution, strip: part.strip, images, of: chunk, from: from, to: to, rectify: rectify)
    } else {
      for image in images { run(image: image, lines: part.lines, of: chunk, kernels) }
    }
  }

  private func run(image: Int, lines: Range<Int>, of chunk: Chunk, _ kernels: Kernels) {
    let map = { (index: Int) in chunk.map(index, image: image) }
    switch self {
    case .convolution:
      preconditionFailure("takes all images together")
    case .rectification(let index):
      kernels.rectify(map(index))
    case .maxPooling(let from, let to, let size, let stride):
      kernels.maxPool(map(from), into: map(to), lines: lines, size: size, stride: stride)
    case .normalization(let from, let to, let alpha, let k):
      kernels.normalize(map(from), into: map(to), lines: lines, alpha: alpha, k: k)
    case .flattening(let index, let folding, let rows):
      ImagePlace(map(index), folding: folding).copyChannelsFirst(
        to: rows.buffer, at: rows.range(ofRow: image).lowerBound)
    }
  }

  /// Multiply-adds that `repeatProducts` makes for an image.
  var multiplyAdds: Int {
    guard case .convolution(let convolution as WinogradConvolution, _, _, _) = self else {
      return 0
    }
    return convolution.multiplyAdds
  }

  /// Makes the products of a convolution again, which `run` has just made of the same images and
  /// part; their sums are the same.
  func repeatProducts(_ images: Range<Int>, part: StepPart, of chunk: Chunk) {
    guard case .convolution(let convolution as WinogradConvolution, _, _, _) = self else { return }
    for pass in 0..<convolution.passCount {
      convolution.multiply(
        pass: pass, strip: part.strip, count: images.count, from: chunk.workspace.points,
        sums: chunk.workspace.sums)
    }
  }

  private func run(
    _ convolution: any Convolution, strip: Int, _ images: Range<Int>, of chunk: Chunk, from: Int,
    to: Int, rectify: Bool
  ) {
    let points = chunk.workspace.points
    for (slot, image) in images.enumerated() {
      convolution.transform(
        chunk.map(from, image: image), strip: strip, to: points, slot: slot)
    }
    let pass = { @Sendable (pass: Int, worker: Int) in
      convolution.run(
        pass: pass, strip: strip, count: images.count, from: points,
        sums: chunk.workspaces[worker].sums, rectify: rectify
      ) { chunk.map(to, image: images.lowerBound + $0) }
    }
    if let team = chunk.team {
      team.forEach(convolution.passCount, pass)
    } else {
      for number in 0..<convolution.passCount { pass(number, chunk.worker) }
    }
  }
}

/// Images of a batch that go through the map stages together, and the thread that sees to them.
struct Chunk: Sendable {
  let images: Range<Int>
  /// Map 0 of the image `firstInput` and those after it.
  let inputs: [FeatureMap]
  let firstInput: Int
  /// One a thread.
  let workspaces: [Workspace]
  /// The thread, whose workspace holds the maps.
  let worker: Int
  /// Shares out a convolution's output channels; nil to work on one thread alone.
  let team: ThreadTeam?

  var workspace: Workspace { workspaces[worker] }

  /// - Parameter image: counted in the batch.
  func map(_ index: Int, image: Int) -> FeatureMap {
    if index == 0 { return inputs[image - firstInput] }
    let maps = workspace.maps[index - 1]
    return maps[(image - images.lowerBound) % maps.count]
  }
}

/// The maps that one thread works on, made once and used for image after image.
struct Workspace: Sendable {
  /// Map 1 and up; the input has its own place. As many of each as images need it at once.
  let maps: [[FeatureMap]]
  /// What convolutions work in.
  let points: FloatBuffer
  let sums: FloatBuffer
}
