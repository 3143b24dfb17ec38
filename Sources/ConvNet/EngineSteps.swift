internal import Tensors

/// A step of the part of the network whose activations are maps; runs image by image.
///
/// Maps are numbered by the plan; 0 is the input.
enum MapStep: Sendable {
  case convolution(PackedConvolution, from: Int, to: Int, rectify: Bool)
  /// In place.
  case rectification(Int)
  case maxPooling(from: Int, to: Int, size: Int, stride: Int)
  case normalization(from: Int, to: Int, localSize: Int, alpha: Float, k: Float)
  /// Copies a map, C×H×W, into the image's row of a matrix.
  case flattening(Int, into: RowMatrix)

  /// - Parameters:
  ///   - image: the row to flatten into.
  ///   - input: map 0.
  ///   - team: shares out a convolution's output channels; nil to work on this thread alone.
  func run(
    image: Int, input: FeatureMap, in workspace: Workspace, _ kernels: Kernels,
    team: ThreadTeam? = nil
  ) {
    let map = { (index: Int) in index == 0 ? input : workspace.maps[index - 1] }
    switch self {
    case .convolution(let convolution, let from, let to, let rectify):
      let (source, target) = (map(from), map(to))
      guard let team else {
        convolution.run(source, into: target, rectify: rectify)
        return
      }
      team.forEach(convolution.panelCount) { panel, _ in
        convolution.run(source, into: target, panels: panel..<panel + 1, rectify: rectify)
      }
    case .rectification(let index):
      kernels.rectify(map(index))
    case .maxPooling(let from, let to, let size, let stride):
      kernels.maxPool(map(from), into: map(to), size: size, stride: stride)
    case .normalization(let from, let to, let localSize, let alpha, let k):
      kernels.normalize(
        map(from), into: map(to), localSize: localSize, alpha: alpha, k: k,
        scratch: workspace.scratch)
    case .flattening(let index, let rows):
      map(index).copyChannelsFirst(to: rows.buffer, at: rows.range(ofRow: image).lowerBound)
    }
  }
}

/// The maps that one thread works on, made once and used for image after image.
struct Workspace: Sendable {
  /// Map 1 and up; the input has its own place.
  let maps: [FeatureMap]
  /// For normalization: a pixel's channels and a margin.
  let scratch: FloatBuffer
}

/// A step of the part of the network whose activations are rows; runs for a whole batch.
enum RowStep: Sendable {
  case product(PackedProduct, ProductRows, from: RowMatrix, to: RowMatrix, rectify: Bool)
  /// What is below zero becomes zero; the values before stay in `from`.
  case rectification(from: RowMatrix, to: RowMatrix)
  case softmax(from: RowMatrix, to: RowMatrix)

  /// Panels of a product that share a walk along the depth: their sums for a batch of 64 stay in
  /// the second cache.
  private static let mostPanelsPerPass = 16

  /// - Parameter count: rows.
  func run(count: Int, _ team: ThreadTeam) {
    switch self {
    case .product(let product, let rows, let from, let to, let rectify):
      let wanted = product.panelCount / (4 * team.threadCount)
      let panels = max(1, min(wanted, Self.mostPanelsPerPass))
      team.forEach((product.panelCount + panels - 1) / panels) { task, _ in
        let first = task * panels
        product.run(
          rows, rowCount: count, from: from.buffer, at: 0, into: to.buffer, at: 0,
          panels: first..<min(first + panels, product.panelCount), panelsPerPass: panels,
          rectify: rectify)
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
