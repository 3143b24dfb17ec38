internal import Formats
internal import Glibc

/// The hyperbolic tangent, computed in double precision.
struct TanHLayer: LayerKind {
  static let caffe = CaffeLayerType(
    "TanH", v1Number: 23, settings: .init("tanh_param", field: 127, v1Field: 37))

  init() {}

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    settings.ignore("engine")
  }

  var isActivation: Bool { true }
  var canReplaceInput: Bool { true }
  var sharesMap: Bool { true }

  func operation(from input: BlobShape) -> LayerOperation { .hyperbolicTangent }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    planner.appendPixels(layer) { values in
      for i in 0..<values.count { values[i] = Float(tanh(Double(values[i]))) }
    }
  }
}
