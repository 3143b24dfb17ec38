import ConvNet
import Images
import Tensors
import Testing

/// The transforms against the libraries whose names they have.
@Suite struct TransformFixtureTests {
  /// As in the script that made the fixtures.
  private static func drawn(_ width: Int, _ height: Int) -> RGBImage {
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        for c in 0..<3 { pixels.append(UInt8((x * 31 + y * 17 + c * 101 + x * y % 97 * 5) % 256)) }
      }
    }
    return RGBImage(width: width, height: height, pixels: pixels)
  }

  static func written(
    _ image: RGBImage, _ transform: InputTransform, _ views: Views,
    _ kernelClass: KernelClass = .baseline
  ) -> [[Float]] {
    let writer = InputWriter(
      transform, views: views, mode: .exact, kernels: NetworkKernels(kernelClass))
    let layout = transform.inputLayout
    let maps = (0..<views.count).map { _ in FeatureMap(layout) }
    writer.write(image) { ImagePlace(maps[$0]) }
    return maps.map { map in
      let values = FloatBuffer(count: layout.activationCount)
      map.copyChannelsFirst(to: values, at: 0)
      return values.floats(0..<values.count)
    }
  }

  /// One grey level where the library rounds to 8 bits, in the unit of the result; else 1e-3: float
  /// against double precision.
  private static let tolerances: [String: Float] = [
    "caffe-cpp": 1, "pycaffe": 1e-3, "decaf-release": 1e-3, "torchvision": 1 / 255 / 0.224,
  ]

  @Test(arguments: TransformFixture.all)
  func valuesAreThoseOfTheLibrary(fixture: TransformFixture) throws {
    let transform = try InputTransform.named(fixture.profile)
    let views = Self.written(Self.drawn(fixture.width, fixture.height), transform, .ten)
    let tolerance = try #require(Self.tolerances[fixture.profile]) * 1.001
    for (view, expected) in [(4, fixture.center), (0, fixture.corner)] {
      let found = stride(from: 0, to: views[view].count, by: TransformFixture.step).map {
        views[view][$0]
      }
      #expect(found.count == expected.count)
      let largest = zip(found, expected).map { abs($0 - $1) }.max() ?? 0
      #expect(largest <= tolerance, "view \(view)")
    }
  }

  @Test(arguments: ["caffe-cpp", "pycaffe", "decaf-release", "torchvision"])
  func viewsAreOneAnothersParts(profile: String) throws {
    let transform = try InputTransform.named(profile)
    let image = Self.drawn(300, 280)
    let ten = Self.written(image, transform, .ten)
    #expect(Self.written(image, transform, .center) == [ten[4]])
    let width = transform.inputWidth
    for view in 0..<5 {
      let mirrored = stride(from: 0, to: ten[view].count, by: width).flatMap { start in
        ten[view][start..<start + width].reversed()
      }
      #expect(ten[view + 5] == mirrored)
    }
  }

  /// What `Resampler` does is a case of what `FilteredResampler` does.
  @Test func filteredIsPlainWhereNothingElseIsAskedFor() throws {
    let plain = try InputTransform.named("caffe")
    var filtered = plain
    filtered.std = [1, 1, 1]
    for (width, height) in [(500, 375), (20, 31), (1, 1), (256, 256)] {
      let image = Self.drawn(width, height)
      let expected = Self.written(image, plain, .ten)
      for (view, values) in Self.written(image, filtered, .ten).enumerated() {
        let largest = zip(values, expected[view]).map { abs($0 - $1) }.max() ?? 0
        #expect(largest <= 1e-3)
      }
    }
  }

  @Test(arguments: [
    (500, 375, 341, 256), (375, 500, 256, 341), (256, 256, 256, 256),
    (1, 80_000_000, 256, 20_480_000_000),
    (301, 333, 256, 283),
  ])
  func shortSideKeepsTheAspectRatio(width: Int, height: Int, newWidth: Int, newHeight: Int) throws {
    let resize = try InputTransform.named("torchvision").resize
    #expect(resize.size(width: width, height: height) == (newWidth, newHeight))
  }

  @Test func longImagesTakeNoMoreMemoryThanTheirCrops() throws {
    let transform = try InputTransform.named("torchvision")
    for (width, height) in [(1, 30_000), (30_000, 2)] {
      let views = Self.written(Self.drawn(width, height), transform, .ten)
      #expect(views.allSatisfy { $0.allSatisfy(\.isFinite) })
    }
  }

  @Test func meanImagesAreSubtractedWhereTheyLie() throws {
    var transform = try InputTransform.named("decaf-release")
    let image = Self.drawn(300, 280)
    let before = Self.written(image, transform, .ten)
    let values = (0..<3 * 256 * 256).map { Float($0 % 251) }
    transform.meanImage = MeanImageFile(MeanImage(width: 256, height: 256, values: values))
    let after = Self.written(image, transform, .ten)
    for (view, (x, y)) in [(0, 0), (29, 0), (0, 29), (29, 29), (14, 14)].enumerated() {
      for (channel, row, column) in [(0, 0, 0), (1, 3, 226), (2, 226, 7)] {
        let mean = values[(channel * 256 + y + row) * 256 + x + column]
        let plain = (channel * 227 + row) * 227 + column
        let mirrored = (channel * 227 + row) * 227 + 226 - column
        #expect(abs(before[view][plain] - after[view][plain] - mean) < 1e-3)
        #expect(abs(before[view + 5][mirrored] - after[view + 5][mirrored] - mean) < 1e-3)
      }
    }
  }
}
