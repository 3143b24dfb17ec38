internal import Formats
internal import Tensors

/// Probabilities from logits: `p[i] = e^x[i] / Σ e^x[j]`; of maps the channels of every pixel.
struct SoftmaxLayer: LayerKind {
  static let caffe = CaffeLayerType(
    "Softmax", v1Number: 20, settings: .init("softmax_param", field: 125, v1Field: 39))

  init() {}

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    try settings.require("axis", "1")
    settings.ignore("engine")
  }

  var caffeSettings: [CaffeSetting] { [CaffeSetting("axis", [2], 1, default: 1, .checked)] }

  var sharesMap: Bool { true }

  func operation(from input: BlobShape) -> LayerOperation { .softmax }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    guard planner.isMap(layer.input) else {
      let from = planner.rows(of: layer.input)
      planner.append(
        EachRowStep(layer: layer.name, from: from, to: planner.addRows(layer.output)) {
          logits, probabilities in softmax(logits, into: &probabilities)
        })
      return
    }
    planner.appendPixels(layer) { values in
      var logits = [Float](repeating: 0, count: values.count)
      for i in logits.indices { logits[i] = values[i] }
      softmax(logits.span, into: &values)
    }
  }
}
