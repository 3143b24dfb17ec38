/// The kinds of layers there are.
enum LayerKinds {
  static let all: [any LayerKind.Type] = [
    ConvolutionLayer.self,
    InnerProductLayer.self,
    ReLULayer.self,
    PReLULayer.self,
    TanHLayer.self,
    SigmoidLayer.self,
    PoolingLayer.self,
    LocalResponseNormalizationLayer.self,
    BatchNormLayer.self,
    ScaleLayer.self,
    FlattenLayer.self,
    DropoutLayer.self,
    SoftmaxLayer.self,
  ]

  /// The names that files have for a layer's numbers, in the order that all layers keep.
  static let parameterNames = ["weight", "running_mean", "running_var", "scale_factor", "bias"]

  /// What Caffe calls them.
  static let caffeTypes: [CaffeLayerType] = all.map { $0.caffe }
}
