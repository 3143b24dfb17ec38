internal import Tensors

/// Every output is a weighted sum of all inputs, in the order C×H×W, plus a bias:
/// `b[o] = bias[o] + Σ w[o][i] · a[i]`. Weights are `outputs × inputs`.
struct InnerProductLayer: LayerKind {
  let outputs: Int

  static let caffe = CaffeLayerType(
    "InnerProduct", v1Number: 14, settings: .init(field: 117, v1Field: 17))

  var caffeSettings: [CaffeSetting] {
    [
      // The weights' shape tells it too, and is what is checked.
      CaffeSetting("outputs", [1], outputs, default: 0, .written),
      CaffeSetting("first axis", [5], 1, default: 1, .checked),
      CaffeSetting("transposed weights", [6], 0, default: 0, .checked),
    ]
  }

  func outputShape(from input: BlobShape) -> BlobShape { BlobShape(outputs) }

  func weightShape(from input: BlobShape) -> [Int]? { [outputs, input.count] }

  var canRectify: Bool { true }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    let from = planner.rows(of: layer.input)
    planner.append(
      InnerProductStep(
        layer: layer.name, product: makeProduct(layer, planner), from: from,
        to: planner.addRows(layer.output), rectify: planner.isRectified(layer)))
  }

  private func makeProduct(
    _ layer: NetworkDefinition.Layer, _ planner: EnginePlanner
  ) -> any RowProduct {
    let stored = planner.network.storedParameters(layer.name)
    let biases = stored.biases.floats()
    if let kernels = planner.kernels.bfloat16 {
      return BFloat16InnerProduct(weights: stored.weights, biases: biases, kernels: kernels)
    }
    return InnerProduct(
      weights: stored.weights, panels: stored.panels, biases: biases, kernels: planner.kernels.float
    )
  }
}
