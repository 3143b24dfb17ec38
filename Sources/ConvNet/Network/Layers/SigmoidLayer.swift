internal import Formats
internal import Glibc

/// The logistic function, `1 / (1 + e^(−a))`, computed in double precision.
struct SigmoidLayer: LayerKind {
  static let caffe = CaffeLayerType(
    "Sigmoid", v1Number: 19, settings: .init("sigmoid_param", field: 124, v1Field: 38))

  init() {}

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    settings.ignore("engine")
  }

  var isActivation: Bool { true }
  var canReplaceInput: Bool { true }
  var sharesMap: Bool { true }

  func operation(from input: BlobShape) -> LayerOperation { .sigmoid }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    planner.appendPixels(layer) { values in
      for i in 0..<values.count { values[i] = Float(1 / (1 + exp(-Double(values[i])))) }
    }
  }
}
