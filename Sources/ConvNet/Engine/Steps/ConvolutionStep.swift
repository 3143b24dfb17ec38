internal import Tensors

/// A convolution of some images' maps, with the ReLU behind it if need be.
struct ConvolutionStep: MapStep {
  let layer: String
  let convolution: any Convolution
  let from: Int
  let to: Int
  let rectify: Bool

  var imagesAtOnce: Int { convolution.slots }
  var scratch: (transformed: Int, sums: Int) {
    (convolution.transformedFloats, convolution.sumFloats)
  }

  /// A strip: its windows may begin anywhere, so the whole input has to be there.
  func nextLines(_ progress: MapProgress, from input: MapProgress) -> Range<Int>? {
    input.isComplete ? convolution.lines(ofStrip: progress.parts) : nil
  }

  func run(_ images: Range<Int>, part: StepPart, of chunk: Chunk, _ kernels: NetworkKernels) {
    let transformed = chunk.workspace.transformed
    for (slot, image) in images.enumerated() {
      convolution.transform(
        chunk.map(from, image: image), strip: part.number, to: transformed, slot: slot)
    }
    let pass = { @Sendable (pass: Int, worker: Int) in
      convolution.run(
        pass: pass, strip: part.number, count: images.count,
        of: { chunk.map(from, image: images.lowerBound + $0) }, from: transformed,
        sums: chunk.workspaces[worker].sums, rectify: rectify,
        into: { chunk.map(to, image: images.lowerBound + $0) })
    }
    if let team = chunk.team {
      team.forEach(convolution.passCount, pass)
    } else {
      for number in 0..<convolution.passCount { pass(number, chunk.worker) }
    }
  }

  var multiplyAdds: Int { (convolution as? WinogradConvolution)?.multiplyAdds ?? 0 }

  func repeatProducts(_ images: Range<Int>, part: StepPart, of chunk: Chunk) {
    guard let convolution = convolution as? WinogradConvolution else { return }
    for pass in 0..<convolution.passCount {
      convolution.multiply(
        pass: pass, strip: part.number, count: images.count, from: chunk.workspace.transformed,
        sums: chunk.workspace.sums)
    }
  }
}
