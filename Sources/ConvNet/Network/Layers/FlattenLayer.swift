internal import Formats
internal import Tensors

/// The same activations as a row, in the order C×H×W.
struct FlattenLayer: LayerKind {
  static let caffe = CaffeLayerType(
    "Flatten", v1Number: 8, settings: .init("flatten_param", field: 135, v1Field: nil))

  init() {}

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    try settings.require("axis", "1")
    try settings.require("end_axis", "-1", "3")
  }

  func isFlat(behind isFlat: Bool) -> Bool { true }

  func outputShape(from input: BlobShape) -> BlobShape { BlobShape(input.count) }

  func operation(from input: BlobShape) -> LayerOperation { .flattening }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    planner.shareRows(layer.input, as: layer.output)
  }
}
