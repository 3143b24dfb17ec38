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

  static let caffe = CaffeLayerType("LRN", v1Number: 15, settings: .init(field: 118, v1Field: 18))

  var caffeSettings: [CaffeSetting] {
    [
      CaffeSetting("local size", [1], localSize, default: 5),
      CaffeSetting("alpha", [2], alpha, default: 1),
      CaffeSetting("beta", [3], beta, default: 0.75),
      CaffeSetting("region (0 is across channels)", [4], 0, default: 0, .checked),
      CaffeSetting("k", [5], k, default: 1),
    ]
  }

  func outputShape(from input: BlobShape) -> BlobShape { input }

  func addSteps(_ layer: NetworkDefinition.Layer, to planner: inout EnginePlanner) {
    precondition(
      beta == 0.75 && localSize == 5,
      "the kernel computes the power 0.75 of five channels only")
    planner.appendLines(layer, window: .pointwise) { kernels, input, output, lines in
      kernels.run(
        "normalize", input, into: output, lines: lines,
        MapOptions(scale: alpha / Float(localSize), k: k))
    }
  }
}
