internal import Tensors

/// Probabilities from logits: `p[i] = e^x[i] / Σ e^x[j]`.
struct SoftmaxLayer: LayerKind {
  static let caffe = CaffeLayerType("Softmax", v1Number: 20)

  func outputShape(from input: BlobShape) -> BlobShape { input }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    let from = planner.rows(of: layer.input)
    planner.append(
      EachRowStep(layer: layer.name, from: from, to: planner.addRows(layer.output)) {
        logits, probabilities in softmax(logits, into: &probabilities)
      })
  }
}
