extension Architecture {
  /// The network as a list of layers. Source: the `deploy.prototxt` of BVLC's `bvlc_reference_caffenet`
  /// and `bvlc_alexnet`.
  var layers: [NetworkDefinition.Entry] {
    switch self {
    case .caffenet: Self.caffenetLayers
    case .alexnet: Self.alexnetLayers
    }
  }

  private static let caffenetLayers: [NetworkDefinition.Entry] =
    [conv1, ("relu1", ReLULayer()), ("pool1", pooling), ("norm1", normalization)]
    + [conv2, ("relu2", ReLULayer()), ("pool2", pooling), ("norm2", normalization)]
    + rest

  private static let alexnetLayers: [NetworkDefinition.Entry] =
    [conv1, ("relu1", ReLULayer()), ("norm1", normalization), ("pool1", pooling)]
    + [conv2, ("relu2", ReLULayer()), ("norm2", normalization), ("pool2", pooling)]
    + rest

  // What both have.
  private static let pooling = MaxPoolingLayer(kernelSize: 3, stride: 2)
  private static let normalization = LocalResponseNormalizationLayer(
    localSize: 5, alpha: 1e-4, beta: 0.75, k: 1)
  private static let conv1: NetworkDefinition.Entry = (
    "conv1", ConvolutionLayer(outputs: 96, kernelSize: 11, stride: 4)
  )
  private static let conv2: NetworkDefinition.Entry = (
    "conv2", ConvolutionLayer(outputs: 256, kernelSize: 5, padding: 2, groups: 2)
  )
  private static let rest: [NetworkDefinition.Entry] = [
    ("conv3", ConvolutionLayer(outputs: 384, kernelSize: 3, padding: 1)),
    ("relu3", ReLULayer()),
    ("conv4", ConvolutionLayer(outputs: 384, kernelSize: 3, padding: 1, groups: 2)),
    ("relu4", ReLULayer()),
    ("conv5", ConvolutionLayer(outputs: 256, kernelSize: 3, padding: 1, groups: 2)),
    ("relu5", ReLULayer()),
    ("pool5", pooling),
    ("fc6", InnerProductLayer(outputs: 4096)),
    ("relu6", ReLULayer()),
    ("drop6", DropoutLayer()),
    ("fc7", InnerProductLayer(outputs: 4096)),
    ("relu7", ReLULayer()),
    ("drop7", DropoutLayer()),
    ("fc8", InnerProductLayer(outputs: 1000)),
    ("prob", SoftmaxLayer()),
  ]
}
