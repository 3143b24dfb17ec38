package import Tensors

/// What a layer computes, in the words of its kind: for who computes it otherwise than the engine, as
/// training does.
package enum LayerOperation: Hashable, Sendable {
  /// Weights `O × I/groups × KH × KW`, then perhaps biases.
  case convolution(ConvolutionShape)
  /// Weights `O × I` of inputs in the order C×H×W, then perhaps biases.
  case innerProduct(outputs: Int)
  /// The largest number of each window.
  case maxPooling(PoolingWindows)
  /// The mean of each window, as Caffe counts its places.
  case averagePooling(PoolingWindows)
  /// `b[c] = a[c] / (k + alpha / localSize · Σ a[j]²)^beta`.
  case normalization(localSize: Int, alpha: Float, beta: Float, k: Float)
  /// Numbers below zero are multiplied by the slope.
  case rectification(slope: Float)
  /// The same with slopes that are learned: of each channel, or one.
  case learnedRectification(isShared: Bool)
  case hyperbolicTangent
  case sigmoid
  case softmax
  /// Dropout, which does something in training alone.
  case dropout
  /// The order C×H×W instead of a plane.
  case flattening
  /// A factor, and perhaps a number to add, for each channel: known at test time alone, as of batch
  /// normalization.
  case channelScaling
}

/// How pooling's windows go over a map.
package struct PoolingWindows: Hashable, Sendable {
  package let kernelSize: PlaneSize
  package let stride: PlaneSize
  package let padding: PlaneSize
}

extension NetworkDefinition.Layer {
  package var operation: LayerOperation { kind.operation(from: inputShape) }
  /// Shapes of the layer's numbers, in the order in which files have them, by name: `weight`, `bias`.
  package var parameterShapes: [(name: String, shape: [Int])] {
    parameters.map { ($0.name, $0.shape) }
  }
}
