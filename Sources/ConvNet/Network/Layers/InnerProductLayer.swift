internal import Formats
internal import Tensors

/// Every output is a weighted sum of all inputs, in the order C×H×W, perhaps plus a bias:
/// `b[o] = bias[o] + Σ w[o][i] · a[i]`. Weights are `outputs × inputs`.
struct InnerProductLayer: LayerKind {
  let outputs: Int
  var hasBias = true

  static let caffe = CaffeLayerType(
    "InnerProduct", v1Number: 14, settings: .init("inner_product_param", field: 117, v1Field: 17))

  init(outputs: Int, hasBias: Bool = true) { (self.outputs, self.hasBias) = (outputs, hasBias) }

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    outputs = try settings.requiredSize("num_output")
    hasBias = try settings.flag("bias_term", default: true)
    try settings.require("axis", "1")
    try settings.require("transpose", "false", "0")
    settings.ignore("weight_filler", "bias_filler")
  }

  var caffeSettings: [CaffeSetting] {
    [
      // The weights' shape tells it too, and is what is checked.
      CaffeSetting("outputs", [1], outputs, default: 0, .written),
      CaffeSetting("biases", [2], hasBias ? 1 : 0, default: 1, hasBias ? .checked : .both),
      CaffeSetting("first axis", [5], 1, default: 1, .checked),
      CaffeSetting("transposed weights", [6], 0, default: 0, .checked),
    ]
  }

  func problem(with input: BlobShape, isFlat: Bool) -> String? {
    input.count * outputs <= Int(Int32.max)
      ? nil : "\(input.count) × \(outputs) weights are more than \(Int32.max)"
  }

  func isFlat(behind isFlat: Bool) -> Bool { true }

  func outputShape(from input: BlobShape) -> BlobShape { BlobShape(outputs) }

  func parameters(from input: BlobShape) -> [ParameterShape] {
    [ParameterShape("weight", [outputs, input.count])]
      + (hasBias ? [ParameterShape("bias", [outputs])] : [])
  }

  func multiplyAdds(from input: BlobShape) -> Int { outputs * input.count }

  func operation(from input: BlobShape) -> LayerOperation { .innerProduct(outputs: outputs) }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    let from = planner.rows(of: layer.input)
    planner.append(
      InnerProductStep(
        layer: layer.name, product: makeProduct(layer, planner), from: from,
        to: planner.addRows(layer.output), rectify: planner.rectifies(layer.output)))
  }

  private func makeProduct(
    _ layer: NetworkDefinition.Layer, _ planner: EnginePlanner
  ) -> any RowProduct {
    let stored = planner.network.storedParameters(layer.name)
    let biases = stored.biases(count: outputs)
    if let kernels = planner.kernels.bfloat16 {
      return BFloat16InnerProduct(weights: stored.weights, biases: biases, kernels: kernels)
    }
    return InnerProduct(
      weights: stored.weights, panels: stored.panels, biases: biases, kernels: planner.kernels.float
    )
  }
}
