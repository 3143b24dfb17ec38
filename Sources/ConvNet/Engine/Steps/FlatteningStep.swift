internal import Tensors

/// Copies a map, unfolded if need be, C×H×W, into the image's row of a matrix.
struct FlatteningStep: MapStep {
  let layer: String
  let map: Int
  let folding: SpaceToDepth?
  let rows: RowMatrix

  var from: Int { map }
  var to: Int { map }

  func run(_ images: Range<Int>, part: StepPart, of chunk: Chunk, _ kernels: NetworkKernels) {
    for image in images {
      ImagePlace(chunk.map(map, image: image), folding: folding).copyChannelsFirst(
        to: rows.buffer, at: rows.range(ofRow: image).lowerBound)
    }
  }
}
