internal import Tensors

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
  /// What convolutions work in: their transformed inputs, and the sums of the products.
  let transformed: FloatBuffer
  let sums: FloatBuffer
}
