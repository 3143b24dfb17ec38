package import Tensors

/// One layer's numbers, in the order of `LayerKind.parameters`. Weights are `O × I/groups × KH × KW` or
/// `O × I`, biases `O`; row-major.
package struct LayerParameters: Sendable {
  package let blobs: [StoredFloats]
  /// A weight matrix in panels too, if the file has them: see `WeightPanels`.
  package let panels: StoredFloats?

  package init(_ blobs: [StoredFloats], panels: StoredFloats? = nil) {
    precondition(!blobs.isEmpty, "a layer without numbers has no parameters")
    (self.blobs, self.panels) = (blobs, panels)
  }

  package init(weights: StoredFloats, biases: StoredFloats, panels: StoredFloats? = nil) {
    self.init([weights, biases], panels: panels)
  }

  package var weights: StoredFloats { blobs[0] }

  /// A layer's biases; zeros when it has none.
  package func biases(count: Int) -> [Float] {
    blobs.count > 1 ? blobs[1].floats() : [Float](repeating: 0, count: count)
  }

  var withoutPanels: LayerParameters { LayerParameters(blobs) }
}
