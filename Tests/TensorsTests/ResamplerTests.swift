import Images
import TestSupport
import Testing

@testable import Tensors

@Suite struct ResamplerTests {
  private static let mean: [Float] = [104.5, 0, -3.25]

  /// One value of a crop, from the float twin.
  private func twin(
    _ resized: [Float], _ target: Resampler.Target, _ crop: Resampler.Crop, side: Int, x: Int,
    y: Int, channel: Int
  ) -> Float {
    let column = crop.x + (crop.isMirrored ? side - 1 - x : x)
    let from = target.swapsRedAndBlue ? 2 - channel : channel
    let value = resized[((crop.y + y) * target.width + column) * 3 + from]
    return value * target.scale - target.mean[channel]
  }

  /// Sizes: of the picture, what it is resized to, the crop's side.
  @Test(
    arguments: KernelCase.all,
    [
      [1, 1, 4, 4, 3], [1, 9, 5, 3, 2], [7, 1, 3, 5, 3], [2, 2, 1, 1, 1], [13, 11, 32, 29, 27],
      [40, 31, 7, 6, 5], [50, 37, 16, 64, 15], [131, 77, 40, 41, 33],
    ])
  func agreesWithTheTwinToTheBit(kernelCase: KernelCase, sizes: [Int]) {
    let (width, height, side) = (sizes[0], sizes[1], sizes[4])
    let image = RGBImage(
      width: width, height: height, pixels: seededPixels(width: width, height: height, seed: 3))
    let all = Box(x: 0, y: 0, width: sizes[2], height: sizes[3])
    let resized = image.resampled(width: sizes[2], height: sizes[3], region: all)
    let (right, bottom) = (sizes[2] - side, sizes[3] - side)
    typealias Crop = Resampler.Crop
    for crops in [
      [Crop(x: right / 2, y: bottom / 2)], [Crop(x: right, y: 0, isMirrored: true)],
      [Crop(x: 0, y: bottom), Crop(x: right, y: 0), Crop(x: right / 2, y: 0, isMirrored: true)],
    ] {
      for swapsRedAndBlue in [true, false] {
        let target = Resampler.Target(
          width: sizes[2], height: sizes[3], swapsRedAndBlue: swapsRedAndBlue, scale: 0.7,
          mean: Self.mean)
        let resampler = Resampler(target, crops: crops, side: side, kernels: kernelCase.kernels)
        let layout = MapLayout(channels: 3, height: side, width: side, padding: 1)
        let maps = crops.map { _ in FeatureMap(layout) }
        let part = { (count: Int) in AxisPart(pixels: 0..<count, length: Double(count)) }
        resampler.run(image.pixels.span, width: width, parts: (part(width), part(height))) {
          ImagePlace(maps[$0])
        }
        for (number, crop) in crops.enumerated() {
          var expected = [Float](repeating: 0, count: layout.count)
          for y in 0..<side {
            for x in 0..<side {
              for channel in 0..<3 {
                expected[layout.origin + y * layout.pitch + 3 * x + channel] = twin(
                  resized, target, crop, side: side, x: x, y: y, channel: channel)
              }
            }
          }
          // With the frame, which stays zero.
          #expect(maps[number].buffer.floats(0..<layout.count) == expected)
        }
      }
    }
  }

  @Test func partsAreResizedAsPicturesOfTheirOwn() {
    let (width, height) = (30, 22)
    let pixels = seededPixels(width: width, height: height, seed: 4)
    let target = Resampler.Target(
      width: 9, height: 8, swapsRedAndBlue: false, scale: 1, mean: [0, 0, 0])
    let resampler = Resampler(
      target, crops: [.init(x: 1, y: 0)], side: 8, kernels: NetworkKernels(.baseline))
    let map = FeatureMap(MapLayout(channels: 3, height: 8, width: 8))
    resampler.run(
      pixels.span, width: width,
      parts: (AxisPart(pixels: 3..<24, length: 21), AxisPart(pixels: 5..<22, length: 17))
    ) { _ in ImagePlace(map) }
    var cropped: [UInt8] = []
    for y in 5..<22 { cropped += pixels[(y * width + 3) * 3..<(y * width + 24) * 3] }
    let expected = RGBImage(width: 21, height: 17, pixels: cropped).resampled(
      width: 9, height: 8, region: Box(x: 1, y: 0, width: 8, height: 8))
    #expect(map.buffer.floats(0..<map.layout.count) == expected)
  }

  /// A ramp 0, 1, 2 … resized is a ramp: shows where a stretch that cuts pixels begins and ends.
  @Test func stretchesMayCutPixels() {
    let pixels = (0..<3 * 40).map { UInt8($0 / 3) }
    let target = Resampler.Target(
      width: 10, height: 10, swapsRedAndBlue: false, scale: 1, mean: [0, 0, 0])
    let resampler = Resampler(
      target, crops: [.init(x: 0, y: 0)], side: 10, kernels: NetworkKernels(.baseline))
    let map = FeatureMap(MapLayout(channels: 3, height: 10, width: 10))
    resampler.run(
      pixels.span, width: 40,
      parts: (
        AxisPart(pixels: 2..<34, start: 0.25, length: 31.5), AxisPart(pixels: 0..<1, length: 1)
      )
    ) { _ in ImagePlace(map) }
    for x in 0..<10 {
      let expected = 2.25 + (Double(x) + 0.5) * 3.15 - 0.5
      #expect(abs(Double(map.buffer[3 * x]) - expected) < 1e-5)
    }
  }
}
