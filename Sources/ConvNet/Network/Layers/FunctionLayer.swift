internal import Formats
internal import Glibc

/// A layer that applies one function to every number, computed in double precision.
protocol FunctionLayer: LayerKind {
  init()
  static func value(at number: Double) -> Double
  static var operation: LayerOperation { get }
}

extension FunctionLayer {
  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    self.init()
    settings.ignore("engine")
  }

  var isActivation: Bool { true }
  var canReplaceInput: Bool { true }
  var sharesMap: Bool { true }

  func operation(from input: BlobShape) -> LayerOperation { Self.operation }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    planner.appendPixels(layer) { values in
      for i in 0..<values.count { values[i] = Float(Self.value(at: Double(values[i]))) }
    }
  }
}

/// The logistic function, `1 / (1 + e^(−a))`.
struct SigmoidLayer: FunctionLayer {
  static let caffe = CaffeLayerType(
    "Sigmoid", v1Number: 19, settings: .init("sigmoid_param", field: 124, v1Field: 38))

  static let operation = LayerOperation.sigmoid
  static func value(at number: Double) -> Double { 1 / (1 + exp(-number)) }
}

/// The hyperbolic tangent.
struct TanHLayer: FunctionLayer {
  static let caffe = CaffeLayerType(
    "TanH", v1Number: 23, settings: .init("tanh_param", field: 127, v1Field: 37))

  static let operation = LayerOperation.hyperbolicTangent
  static func value(at number: Double) -> Double { tanh(number) }
}
