import TestSupport
import Testing

@testable import Tensors

/// Minimal filtering for weights that are learned: their transform, and their gradient.
@Suite struct FilterGradientTests {
  typealias Size = ConvolutionProblem.Size

  /// Both kinds of tiles and only one of them on an axis, several chunks and passes of outputs, passes of
  /// channels, groups, strips of one image and of several.
  static let sizes = [
    Size(channels: 16, height: 13, width: 13, outputs: 176, kernelSize: 3, groups: 1),
    Size(channels: 32, height: 4, width: 5, outputs: 32, kernelSize: 3, groups: 2),
    Size(channels: 112, height: 9, width: 8, outputs: 16, kernelSize: 3, groups: 1, unpadded: 1),
    Size(channels: 16, height: 4, width: 13, outputs: 16, kernelSize: 5, groups: 1),
    Size(channels: 96, height: 9, width: 5, outputs: 64, kernelSize: 5, groups: 2),
    Size(channels: 16, height: 48, width: 48, outputs: 16, kernelSize: 3, groups: 1),
  ]

  private struct Problem {
    let size: Size
    let shape: ConvolutionShape
    let images: [SlowKernels.Map]
    let deltas: [SlowKernels.Map]

    init(_ size: Size, images count: Int) {
      let problem = ConvolutionProblem(size)
      (self.size, shape) = (size, problem.shape)
      images = (0..<count).map { problem.image(UInt64($0 + 1)) }
      deltas = (0..<count).map {
        SlowKernels.Map(random: UInt64($0 + 100), size.outputs, size.height, size.width)
      }
    }

    /// By explicit loops in double precision: outputs × places × channels of a group.
    var expected: [Double] {
      let (channels, side) = (shape.channelsPerGroup, size.kernelSize)
      var sums = [Double](repeating: 0, count: size.outputs * shape.weightsPerOutput)
      for (image, delta) in zip(images, deltas) {
        for o in 0..<size.outputs {
          let first = o / shape.outputsPerGroup * channels
          for place in 0..<side * side {
            for c in 0..<channels {
              var sum = 0.0
              for y in 0..<size.height {
                for x in 0..<size.width {
                  let v = y + place / side - size.padding
                  let u = x + place % side - size.padding
                  guard v >= 0 && v < image.height && u >= 0 && u < image.width else { continue }
                  sum += Double(delta[o, y, x]) * Double(image[first + c, v, u])
                }
              }
              sums[(o * side * side + place) * channels + c] += sum
            }
          }
        }
      }
      return sums
    }

    /// What the filter makes of the images, `most` of a strip at a time; buffers hold NaN before.
    func found(_ kernelClass: KernelClass, most: Int = .max) throws -> [Float] {
      let input = MapLayout(
        channels: size.channels, height: images[0].height, width: images[0].width,
        padding: size.padding + 1)
      let output = MapLayout(channels: size.outputs, height: size.height, width: size.width)
      let filter = try #require(
        FilterGradient(
          shape, from: input, to: output, images: images.count, kernels: LayerKernels(kernelClass))
      )
      func buffer(_ count: Int) -> FloatBuffer {
        let buffer = FloatBuffer(count: count)
        buffer.replace(from: 0, with: [Float](repeating: .nan, count: count))
        return buffer
      }
      let (inputs, deltas) = (buffer(filter.inputFloats), buffer(filter.deltaFloats))
      let sums = buffer(filter.passCount * filter.sumFloats)
      let gradient = BufferPart(buffer(size.outputs * shape.weightsPerOutput))
      let strip = min(filter.stripImages, most)
      for group in 0..<filter.groupCount {
        for first in stride(from: 0, to: images.count, by: strip) {
          let own = first..<min(first + strip, images.count)
          for image in own {
            let (map, pixels) = (FeatureMap(input), images[image].values)
            map.setChannelsFirst(pixels.span)
            filter.transform(input: map, group: group, image: image - first, to: inputs)
          }
          for chunk in filter.chunks(ofGroup: group) {
            for image in own {
              let (map, pixels) = (FeatureMap(output), self.deltas[image].values)
              map.setChannelsFirst(pixels.span)
              filter.transform(delta: map, chunk: chunk, image: image - first, to: deltas)
            }
            for pass in filter.passes(ofChunk: chunk) {
              let part = BufferPart(sums, at: pass * filter.sumFloats, count: filter.sumFloats)
              filter.multiply(
                pass: pass, images: own.count, inputs: inputs, deltas: deltas, sums: part,
                continues: first > 0)
              if own.upperBound == images.count {
                filter.finish(pass: pass, sums: part, into: gradient)
              }
            }
          }
        }
      }
      return gradient.floats
    }
  }

  /// Of the largest gradient. Transforms enlarge the rounding of single numbers, 6e-8, as on the way
  /// forward; chains of a few hundred terms add as much again.
  private static func tolerance(_ size: Size) -> Double { size.kernelSize == 3 ? 1e-5 : 2e-5 }

  @Test(arguments: KernelClass.supported, sizes)
  func agreesWithExplicitLoops(_ kernelClass: KernelClass, _ size: Size) throws {
    let problem = Problem(size, images: 3)
    let expected = problem.expected
    let largest = expected.map(abs).max()!
    let found = try problem.found(kernelClass)
    try #require(found.count == expected.count)
    let difference = zip(found, expected).map { abs(Double($0) - $1) }.max()!
    #expect(difference <= Self.tolerance(size) * largest, "\(difference / largest)")
  }

  @Test(arguments: sizes) func stripsDoNotShow(_ size: Size) throws {
    let problem = Problem(size, images: 5)
    let whole = try problem.found(.supported.last!)
    for most in [1, 2, 3] { #expect(try problem.found(.supported.last!, most: most) == whole) }
  }

  @Test(arguments: sizes) func fusedClassesAgreeBitForBit(_ size: Size) throws {
    let problem = Problem(size, images: 2)
    let results = try KernelClass.supported.filter { $0 != .baseline }.map { try problem.found($0) }
    #expect(results.allSatisfy { $0 == results.first })
  }

  /// A vector of filters at a time gives what one after the other does.
  @Test(arguments: KernelClass.supported, WinogradConvolutionTests.sizes)
  func weightsArePackedAsTheEngineDoes(_ kernelClass: KernelClass, _ size: Size) throws {
    let problem = ConvolutionProblem(size)
    let (shape, count) = (problem.shape, problem.weights.count)
    // From outputs × channels × places to groups × places × channels × outputs.
    let (outputs, channels) = (shape.outputsPerGroup, shape.channelsPerGroup)
    let places = shape.kernelSize.area
    let turned = FloatBuffer(count: count)
    for (i, weight) in problem.weights.enumerated() {
      let (o, c, place) = (i / (channels * places), i / places % channels, i % places)
      let group = o / outputs
      turned[((group * places + place) * channels + c) * outputs + o % outputs] = weight
    }
    let planes = FilterPlanes(
      turned, groupStep: places * channels * outputs, placeStep: channels * outputs,
      channelStep: outputs)
    func packed(_ pack: (WinogradConvolution) -> Void) throws -> [Float] {
      let convolution = try #require(
        WinogradConvolution(
          shape, from: problem.input, to: problem.output, slots: 1, biases: problem.biases,
          kernels: NetworkKernels(kernelClass)))
      pack(convolution)
      return convolution.weights.floats(0..<convolution.weights.count)
    }
    let expected = try packed(problem.pack)
    let found = try packed { convolution in
      for panel in 0..<convolution.panelCount {
        convolution.pack(panel: panel, planes, LayerKernels(kernelClass))
      }
    }
    #expect(found == expected)
  }

  /// Maps and weights folded as training keeps them are those that the engine folds.
  @Test(arguments: [0, 1, 2]) func foldingAgreesWithTheEngines(padding: Int) throws {
    let shape = ConvolutionShape(
      channels: 3, outputs: 5, kernelSize: 7, stride: 4, padding: PlaneSize(padding))
    let layout = MapLayout(channels: 3, height: 23, width: 19)
    let folding = try #require(
      SpaceToDepth(layout, for: shape, outputs: shape.outputSize(23, 19)))
    let image = SlowKernels.Map(random: 4, 3, 23, 19)
    let plain = FeatureMap(layout)
    plain.setChannelsFirst(image.values.span)
    let folded = FeatureMap(folding.output)
    folding.fold(BufferPart(plain.buffer), into: folded)
    var expected = [Float](repeating: 0, count: folding.output.count)
    for y in 0..<23 {
      for x in 0..<19 {
        for c in 0..<3 { expected[folding.place(ofPixel: y, x) + c] = image[c, y, x] }
      }
    }
    #expect(folded.buffer.floats(0..<folding.output.count) == expected)

    let weights = SlowKernels.random(5 * 3 * 49, seed: 6)
    let filters = folding.fold(weights.span)
    let (area, channels) = (folding.kernelSize * folding.kernelSize, folding.output.channels)
    for o in 0..<5 {
      for (i, place) in folding.weightPlaces.enumerated() {
        let (own, c) = i.quotientAndRemainder(dividingBy: 3)
        let (foldedPlace, channel) = place.quotientAndRemainder(dividingBy: channels)
        #expect(
          filters[(o * channels + channel) * area + foldedPlace] == weights[(o * 3 + c) * 49 + own])
      }
    }
  }
}
