internal import Formats
internal import Glibc
internal import Tensors

/// Normalizes each activation by the squared activations of nearby channels:
/// `b[c] = a[c] / (k + alpha / localSize · Σ a[j]²)^beta`, where `j` runs over the `localSize` channels
/// centred on `c`, clipped at the first and last.
///
/// Dividing by `localSize` follows Caffe; the AlexNet paper (2012, section 3.3) does not.
struct LocalResponseNormalizationLayer: LayerKind {
  let localSize: Int
  let alpha: Float
  let beta: Float
  let k: Float

  static let caffe = CaffeLayerType(
    "LRN", v1Number: 15, settings: .init("lrn_param", field: 118, v1Field: 18))

  init(localSize: Int, alpha: Float, beta: Float, k: Float) {
    (self.localSize, self.alpha, self.beta, self.k) = (localSize, alpha, beta, k)
  }

  init(reading settings: inout LayerSettings) throws(TextFormatError) {
    localSize = try settings.size("local_size") ?? 5
    alpha = try settings.number("alpha", default: 1)
    beta = try settings.number("beta", default: 0.75)
    k = try settings.number("k", default: 1)
    try settings.require("norm_region", "ACROSS_CHANNELS", "0")
    settings.ignore("engine")
    guard localSize % 2 == 1 else {
      throw settings.error("local_size: expected an odd number, found \(localSize)")
    }
    guard k > 0, alpha >= 0 else {
      throw settings.error("expected k above 0 and alpha not below, found \(k) and \(alpha)")
    }
  }

  var caffeSettings: [CaffeSetting] {
    [
      CaffeSetting("local size", [1], localSize, default: 5),
      CaffeSetting("alpha", [2], alpha, default: 1),
      CaffeSetting("beta", [3], beta, default: 0.75),
      CaffeSetting("region (0 is across channels)", [4], 0, default: 0, .checked),
      CaffeSetting("k", [5], k, default: 1),
    ]
  }

  func problem(with input: BlobShape, isFlat: Bool) -> String? { problemOfPlane(isFlat: isFlat) }

  /// The kernels compute the power 0.75 alone, which all published networks have.
  private var hasKernel: Bool { beta == 0.75 }

  var sharesMap: Bool { !hasKernel }

  func operation(from input: BlobShape) -> LayerOperation {
    .normalization(localSize: localSize, alpha: alpha, beta: beta, k: k)
  }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    guard hasKernel else {
      planner.appendPixels(layer) { normalize(&$0) }
      return
    }
    let options = MapOptions(localSize: localSize, scale: alpha / Float(localSize), k: k)
    planner.appendLines(layer, window: .pointwise) { kernels, input, output, lines in
      kernels.run(
        localSize == 5 ? "normalize" : "normalize_any", input, into: output, lines: lines, options)
    }
  }

  /// Any power, in double precision.
  private func normalize(_ channels: inout MutableSpan<Float>) {
    var squares = [Double](repeating: 0, count: channels.count)
    for c in squares.indices { squares[c] = Double(channels[c]) * Double(channels[c]) }
    let (reach, scale) = (localSize / 2, Double(alpha) / Double(localSize))
    for c in squares.indices {
      var sum = 0.0
      for j in max(0, c - reach)...min(squares.count - 1, c + reach) { sum += squares[j] }
      channels[c] = Float(Double(channels[c]) * pow(Double(k) + scale * sum, -Double(beta)))
    }
  }
}
