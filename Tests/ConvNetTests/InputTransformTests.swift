import ConvNet
import Files
import Foundation
import Images
import Tensors
import TestSupport
import Testing

@Suite struct InputTransformTests {
  /// The transform's own bound is 1e-3 grey level; interpolation in float stays well below.
  private static let tolerance = 2e-4

  private static let presets = [
    "caffe", "caffe-cpp", "decaf-release", "matconvnet", "pycaffe", "torchvision", "vgg",
  ]

  private static let yaml = """
    name: small
    resize: {mode: warp, width: 12, height: 10, filter: bilinear}
    crop: 7
    channels: bgr
    scale: 0.5
    mean: [104.5, 116.25, 122]
    """

  private func image(width: Int = 19, height: Int = 23) -> RGBImage {
    RGBImage(
      width: width, height: height, pixels: seededPixels(width: width, height: height, seed: 6))
  }

  /// The slow twin: one value of one view, from the definition.
  private func slowValue(
    _ image: RGBImage, x: Int, y: Int, left: Int, top: Int, isMirrored: Bool, channel: Int
  ) -> Double {
    let value = slowResampled(
      image.pixels, width: image.width, height: image.height, newWidth: 12, newHeight: 10,
      x: left + (isMirrored ? 6 - x : x), y: top + y, channel: 2 - channel)
    return value * 0.5 - [104.5, 116.25, 122][channel]
  }

  @Test(arguments: Views.allCases)
  func viewsAreTheirDefinition(views: Views) throws {
    let transform = try InputTransform(yaml: Self.yaml, source: "test")
    let image = image()
    let input = transform.apply(image, views: views)
    #expect(input.count == views.count * 3 * 7 * 7)
    let corners = [(0, 0), (5, 0), (0, 3), (5, 3), (2, 1)]
    let crops = views == .center ? [(2, 1)] : corners + corners
    for (i, value) in input.enumerated() {
      let (x, y, channel, view) = (i % 7, i / 7 % 7, i / 49 % 3, i / 147)
      let expected = slowValue(
        image, x: x, y: y, left: crops[view].0, top: crops[view].1, isMirrored: view >= 5,
        channel: channel)
      #expect(abs(Double(value) - expected) < Self.tolerance, "value \(i)")
    }
  }

  /// The writer's values of one image, view by view, C×H×W.
  private func written(
    _ image: RGBImage, _ transform: InputTransform, _ views: Views, _ kernelClass: KernelClass
  ) -> [Float] {
    let writer = InputWriter(
      transform, views: views, mode: .exact, kernels: NetworkKernels(kernelClass))
    let layout = MapLayout(channels: 3, height: transform.crop, width: transform.crop)
    let maps = (0..<views.count).map { _ in FeatureMap(layout) }
    writer.write(image) { ImagePlace(maps[$0]) }
    return maps.flatMap { map in
      let values = FloatBuffer(count: layout.activationCount)
      map.copyChannelsFirst(to: values, at: 0)
      return values.floats(0..<values.count)
    }
  }

  @Test(arguments: KernelClass.supported, Views.allCases)
  func writerAgreesWithTheTwinToTheBit(kernelClass: KernelClass, views: Views) throws {
    let small = try InputTransform(yaml: Self.yaml, source: "test")
    for transform in [small, try InputTransform.named("caffe")] {
      for image in [image(), image(width: 300, height: 211), image(width: 1, height: 1)] {
        // Not inside the expectation, which would look for the shortest way from one to the other.
        let areEqual =
          written(image, transform, views, kernelClass) == transform.apply(image, views: views)
        #expect(areEqual, "\(image.width)×\(image.height)")
      }
    }
  }

  /// Files of different sizes, boxes and damage go through one writer, one after the other.
  @Test func writerTakesFileAfterFile() throws {
    let transform = try InputTransform(yaml: Self.yaml, source: "test")
    let writer = InputWriter(
      transform, views: .center, mode: .exact, kernels: NetworkKernels(.baseline))
    let map = FeatureMap(MapLayout(channels: 3, height: 7, width: 7))
    for (width, height) in [(90, 70), (20, 31), (64, 100)] {
      let file = try JPEGEncoder.encode(image(width: width, height: height))
      let decoded = try ImageDecoder.decode(file).image
      #expect(try writer.write(file, box: nil) { _ in ImagePlace(map) } == nil)
      let values = FloatBuffer(count: 147)
      map.copyChannelsFirst(to: values, at: 0)
      #expect(values.floats(0..<147) == transform.apply(decoded, views: .center))
      #expect(throws: ImageError.self) {
        try writer.write(Array(file.prefix(file.count / 2)), box: nil) { _ in ImagePlace(map) }
      }
      let outside = Box(x: 200, y: 0, width: 5, height: 5)
      #expect(
        throws: ImageError.emptyBox(outside, imageWidth: width, imageHeight: height)
      ) { try writer.write(file, box: outside) { _ in ImagePlace(map) } }
    }
    #expect(writer.clock.decodeSeconds > 0 && writer.clock.transformSeconds > 0)
  }

  @Test func centerIsTheFifthOfTen() throws {
    let transform = try InputTransform.named("caffe")
    let image = image(width: 50, height: 37)
    let center = transform.apply(image, views: .center)
    let ten = transform.apply(image, views: .ten)
    #expect(center == Array(ten[4 * center.count..<5 * center.count]))
    #expect(transform.apply(image, views: .tenAll) == ten)
  }

  @Test func presetIsCaffesTransform() throws {
    let transform = try InputTransform.named("caffe")
    #expect(transform.inputSize == 227)
    #expect(transform.resize.mode == .warp && transform.resize.filter == .bilinear)
    #expect((transform.resize.width, transform.resize.height) == (256, 256))
    #expect(transform.mean == [104.00698793, 116.66876762, 122.67891434])
    #expect(InputTransform.presetNames == Self.presets)
    // A flat image shows channel order and mean.
    let red = RGBImage(width: 1, height: 1, pixels: [200, 100, 50])
    let input = transform.apply(red, views: .center)
    #expect(input[0] == 50 - 104.00698793)
    #expect(input[227 * 227] == 100 - 116.66876762)
    #expect(input[2 * 227 * 227] == 200 - 122.67891434)
  }

  @Test func channelsMayStayInOrder() throws {
    let yaml = Self.yaml.replacingOccurrences(of: "bgr", with: "rgb")
    let transform = try InputTransform(yaml: yaml, source: "test")
    let flat = RGBImage(width: 1, height: 1, pixels: [200, 100, 50])
    #expect(transform.apply(flat, views: .center)[0] == 200 * 0.5 - 104.5)
  }

  @Test func everyProblemIsReportedAtOnce() {
    let yaml = """
      name: [a]
      resize: {mode: wrap, width: wide, filter: bilinear, depth: 3}
      crop: 7
      scale: much
      mean: 104
      Channels: bgr
      """
    #expect(
      throws: InputTransformError.invalid(
        source: "test",
        problems: [
          "name: found a list or group, expected text",
          "channels: missing",
          "scale: found “much”, expected a number",
          "mean: found “104”, expected a list of numbers",
          "Channels: unknown key",
          "resize.mode: found “wrap”, expected warp or short-side",
          "resize.width: found “wide”, expected a whole number",
          "resize.height: missing",
          "resize.depth: unknown key",
        ])
    ) { try InputTransform(yaml: yaml, source: "test") }
  }

  @Test func valuesAreCheckedAgainstEachOther() {
    let yaml = """
      name: small
      resize: {mode: warp, width: 0, height: 10000, filter: bilinear}
      crop: 7
      channels: bgr
      scale: 0
      mean: [1, .nan]
      """
    #expect(
      throws: InputTransformError.invalid(
        source: "test",
        problems: [
          "resize.width: found 0, expected 1…4096",
          "resize.height: found 10000, expected 1…4096",
          "crop: found 7, expected 1…0, the size after resizing",
          "scale: found 0.0, expected a number above 0",
          "mean: found [1.0, nan], expected one number for each of 3 channels",
        ])
    ) { try InputTransform(yaml: yaml, source: "test") }
  }

  @Test func keysThatMayBeLeftOutAreChecked() throws {
    func transform(_ changes: (String, String)...) throws -> InputTransform {
      let yaml = changes.reduce(Self.yaml) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
      return try InputTransform(yaml: yaml, source: "test")
    }
    let shortSide = ("mode: warp, width: 12, height: 10", "mode: short-side, side: 12")
    for (changes, problem) in [
      ([("crop: 7", "crop: [7, 13]")], "crop: found 13, expected 1…12, the size after resizing"),
      (
        [("crop: 7", "crop: [7]")],
        "crop: found a list or group, expected a whole number, or a list"
      ),
      ([("crop: 7", "crop: 7\narea: 11")], "area: found 11, expected 1…10"),
      ([("crop: 7", "crop: 7\narea: 6")], "crop: found 7, expected 1…6"),
      ([("crop: 7", "crop: 7\nstd: [1, 0, 1]")], "std: found [1.0, 0.0, 1.0]"),
      ([("crop: 7", "crop: 7\nmean-image: none.npy")], "mean-image: cannot open"),
      ([shortSide, ("crop: 7", "crop: 13")], "crop: found 13, expected 1…12"),
      ([shortSide, ("side: 12", "side: 0")], "resize.side: found 0"),
      ([("filter: bilinear", "filter: bilinear, edge: white")], "resize.edge: found “white”"),
    ] {
      #expect {
        try changes.count == 1 ? transform(changes[0]) : transform(changes[0], changes[1])
      } throws: { error in
        if "\(error)".contains(problem) { return true }
        Issue.record("\(error)")
        return false
      }
    }
    let oblong = try transform(("crop: 7", "crop: [7, 9]"))
    #expect((oblong.inputHeight, oblong.inputWidth) == (7, 9))
    #expect(try transform(("crop: 7", "crop: [7, 7]")) == transform())
  }

  @Test(arguments: ["", "- a\n- b\n", "just text", "a: [", "name: a\nname: b\n"])
  func textThatIsNoTransformIsInvalid(yaml: String) {
    #expect(throws: InputTransformError.self) { try InputTransform(yaml: yaml, source: "test") }
  }

  @Test func namesAreFilesWhenTheyLookLikeOne() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/small.yaml"
      try Data(Self.yaml.utf8).write(to: URL(fileURLWithPath: path))
      #expect(try InputTransform.named(path).name == "small")
      #expect(
        throws: InputTransformError.unreadable(SystemError("open", path: "\(folder)/x", code: 2))
      ) {
        try InputTransform.named("\(folder)/x")
      }
    }
    #expect(throws: InputTransformError.unknown("cafe", presets: Self.presets)) {
      try InputTransform.named("cafe")
    }
  }

  @Test func identitySurvivesJSON() throws {
    for name in Self.presets {
      let transform = try InputTransform.named(name)
      let data = try JSONEncoder().encode(transform)
      #expect(try JSONDecoder().decode(InputTransform.self, from: data) == transform)
    }
  }
}
