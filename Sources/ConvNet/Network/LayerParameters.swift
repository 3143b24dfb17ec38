package import Tensors

/// One layer's numbers. Weights are `O × I/groups × KH × KW` or `O × I`, biases `O`; row-major.
package struct LayerParameters: Sendable {
  package let weights: StoredFloats
  package let biases: StoredFloats
  /// A weight matrix in panels too, if the file has them: see `WeightPanels`.
  package let panels: StoredFloats?

  package init(weights: StoredFloats, biases: StoredFloats, panels: StoredFloats? = nil) {
    self.weights = weights
    self.biases = biases
    self.panels = panels
  }

  /// Panels, if there are any, are as many numbers as the weights make.
  var panelsFit: Bool {
    guard let panels else { return true }
    return panels.count == WeightPanels(of: weights, outputs: biases.count).floatCount
  }

  var withoutPanels: LayerParameters { LayerParameters(weights: weights, biases: biases) }
}
