/// The kinds of layers there are.
enum LayerKinds {
  static let all: [any LayerKind.Type] = [
    ConvolutionLayer.self,
    InnerProductLayer.self,
    ReLULayer.self,
    MaxPoolingLayer.self,
    LocalResponseNormalizationLayer.self,
    DropoutLayer.self,
    SoftmaxLayer.self,
  ]

  /// What Caffe calls them.
  static let caffeTypes: [CaffeLayerType] = all.map { $0.caffe }
}
