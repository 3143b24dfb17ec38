internal import Tensors

/// Rectification: what is below zero becomes zero; NaN stays.
///
/// Usually the step before does it on the way (`EnginePlanner.isRectified`); a step of its own is there
/// for when the values before it are wanted too.
struct ReLULayer: LayerKind {
  static let caffe = CaffeLayerType(
    "ReLU", v1Number: 18, settings: .init(field: 123, v1Field: 30))

  var caffeSettings: [CaffeSetting] {
    [CaffeSetting("negative slope", [1], Float(0), default: 0, .checked)]
  }

  func outputShape(from input: BlobShape) -> BlobShape { input }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    if planner.isDoneBefore(layer) {
      planner.share(layer.input, as: layer.output)
    } else if planner.isMap(layer.input) {
      let map = planner.map(of: layer.input)
      planner.share(layer.input, as: layer.output)
      planner.append(InPlaceStep(layer: layer.name, map: map) { $0.rectify($1) })
    } else {
      let from = planner.rows(of: layer.input)
      let to = planner.addRows(layer.output)
      planner.append(
        EachRowStep(layer: layer.name, from: from, to: to) { before, after in
          for i in 0..<before.count { after[i] = before[i] < 0 ? 0 : before[i] }
        })
    }
  }
}

extension LayerKind {
  /// The layer makes what `:pre` in a blob's name stands before.
  var isReLU: Bool { self is ReLULayer }
}
