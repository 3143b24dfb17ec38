internal import Tensors

/// A step that replaces an image's map.
struct InPlaceStep: MapStep {
  let layer: String
  let map: Int
  let body: @Sendable (_ kernels: NetworkKernels, _ map: FeatureMap) -> Void

  init(layer: String, map: Int, _ body: @escaping @Sendable (NetworkKernels, FeatureMap) -> Void) {
    (self.layer, self.map, self.body) = (layer, map, body)
  }

  var from: Int { map }
  var to: Int { map }

  func run(_ images: Range<Int>, part: StepPart, of chunk: Chunk, _ kernels: NetworkKernels) {
    for image in images { body(kernels, chunk.map(map, image: image)) }
  }
}
