internal import Formats
internal import Tensors

/// Batch normalization by the means and variances of training:
/// `b[c] = (a[c] − mean[c]) / √(variance[c] + epsilon)` (Ioffe and Szegedy 2015).
///
/// Caffe keeps both as sums, to be divided by a third number, and leaves factor and shift to a Scale
/// layer. Behind a convolution both are folded into its weights.
struct BatchNormLayer: LayerKind {
  var epsilon: Float = 1e-5

  static let caffe = CaffeLayerType(
    "BatchNorm", v1Number: nil, settings: .init("batch_norm_param", field: 139, v1Field: nil))

  init(epsilon: Float = 1e-5) { self.epsilon = epsilon }

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    // Statistics of the batch would make an image's features depend on its neighbours.
    try settings.require("use_global_stats", "true", "1")
    epsilon = try settings.number("eps", default: 1e-5)
    settings.ignore("moving_average_fraction")
    guard epsilon >= 0 else { throw settings.error("eps: expected 0 or more, found \(epsilon)") }
  }

  var caffeSettings: [CaffeSetting] {
    // A file of weights may say how it was trained: with the statistics of each batch.
    [CaffeSetting("epsilon", [3], epsilon, default: 1e-5, epsilon == 1e-5 ? .checked : .both)]
  }

  func parameters(from input: BlobShape) -> [ParameterShape] {
    [
      ParameterShape("running_mean", [input.channels]),
      ParameterShape("running_var", [input.channels]), ParameterShape("scale_factor", [1]),
    ]
  }

  var canReplaceInput: Bool { true }
  var sharesMap: Bool { true }

  var scalesChannels: Bool { true }

  func scaling(_ parameters: LayerParameters) -> ChannelScaling {
    let blobs = parameters.blobs.map { $0.floats() }
    // As Caffe: a factor of 0 stands for statistics that were never taken.
    let divisor = Double(blobs[2][0])
    let scale = divisor == 0 ? 0 : 1 / divisor
    let factors = blobs[1].map { 1 / (Double($0) * scale + Double(epsilon)).squareRoot() }
    return ChannelScaling(
      factors: factors, shifts: zip(blobs[0], factors).map { -Double($0) * scale * $1 })
  }

  func operation(from input: BlobShape) -> LayerOperation { .channelScaling }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    planner.appendScaling(layer)
  }
}
