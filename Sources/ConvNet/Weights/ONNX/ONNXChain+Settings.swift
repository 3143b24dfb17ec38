internal import Tensors

extension ONNXChain {
  /// What the network's layer has, and what the node amounts to: one text, or several that all fit.
  static func settings(
    of definition: NetworkDefinition.Layer, _ node: ONNXModel.Node
  ) -> [(setting: String, expected: String, found: [String])] {
    let attributes = node.attributes
    func pair(_ name: String, _ usual: Int) -> String {
      let values = attributes[name]?.integers ?? [usual, usual]
      return values.map(String.init).joined(separator: "×")
    }
    func text(_ size: PlaneSize) -> String { "\(size.height)×\(size.width)" }
    func integer(_ name: String, _ usual: Int) -> [String] {
      ["\(attributes[name]?.integer ?? usual)"]
    }
    func float(_ name: String, _ usual: Float) -> [String] {
      ["\(attributes[name]?.float ?? usual)"]
    }
    let pads = attributes["pads"]?.integers ?? [0, 0, 0, 0]
    // Padding that follows from the map's size is not worked out here.
    if let way = attributes["auto_pad"]?.text, !["", "NOTSET"].contains(way),
      way != "VALID" || pads.contains(where: { $0 != 0 })
    {
      return [("padding", "numbers (pads)", ["auto_pad \(way)"])]
    }
    switch definition.kind {
    case let layer as ConvolutionLayer:
      let padding = [layer.padding.height, layer.padding.width]
      return [
        ("stride", text(layer.stride), [pair("strides", 1)]),
        ("dilation", text(layer.dilation), [pair("dilations", 1)]),
        ("groups", "\(layer.groups)", integer("group", 1)),
        ("padding", "\(padding + padding)", ["\(pads)"]),
      ]
    case let layer as PoolingLayer:
      guard let size = layer.kernelSize else {
        return [("kind", layer.method == .max ? "GlobalMaxPool" : "GlobalAveragePool", [node.type])]
      }
      let padding = [layer.padding.height, layer.padding.width]
      // Sizes that are rounded up are also written as padding at the far edges: as much as the last windows
      // reach beyond, or one more than before the map.
      let far = [definition.farPadding(of: size, layer), padding.map { $0 + 1 }]
      let isPadded = pads != padding + padding && far.contains { pads == padding + $0 }
      let isUp = attributes["ceil_mode"]?.integer == 1 || isPadded
      var settings = [
        ("kind", layer.method == .max ? "MaxPool" : "AveragePool", [node.type]),
        ("kernel size", text(size), [pair("kernel_shape", 0)]),
        ("stride", text(layer.stride), [pair("strides", 1)]),
        ("padding", "\(padding + padding)", ["\(isPadded ? padding + padding : pads)"]),
      ]
      // Where sizes come out whole, both ways to round are one; the weights behind tell a difference.
      if isUp { settings.append(("rounding", layer.rounding == .up ? "up" : "down", ["up"])) }
      if layer.method == .average {
        let counts = integer("count_include_pad", 0)
        if isPadded && layer.padding != 0 {
          // Caffe counts the padding's places, and none behind them.
          settings.append(("padding of a mean", "\(padding + padding)", ["\(pads)"]))
        } else if isPadded || layer.padding != 0 {
          settings.append(("places of padding in a mean", isPadded ? "0" : "1", counts))
        }
      }
      return settings
    case let layer as ReLULayer:
      let slope = node.type == "LeakyRelu" ? attributes["alpha"]?.float ?? 0.01 : 0
      return [("negative slope", "\(layer.slope)", ["\(slope)"])]
    case let layer as BatchNormLayer:
      return [("epsilon", "\(layer.epsilon)", float("epsilon", 1e-5))]
    case let layer as LocalResponseNormalizationLayer:
      return [
        ("local size", "\(layer.localSize)", integer("size", 0)),
        ("alpha", "\(layer.alpha)", float("alpha", 1e-4)),
        ("beta", "\(layer.beta)", float("beta", 0.75)), ("k", "\(layer.k)", float("bias", 1)),
      ]
    case is InnerProductLayer:
      return [
        ("transposed weights", "1", integer("transB", 0)),
        ("transposed inputs", "0", integer("transA", 0)), ("alpha", "1.0", float("alpha", 1)),
        ("beta", "1.0", float("beta", 1)),
      ]
    default: return []
    }
  }
}
