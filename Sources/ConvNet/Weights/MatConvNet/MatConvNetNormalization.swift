internal import Formats

/// What a network of MatConvNet says of its input (`normalization`), as an input transform.
///
/// Source: `cnn_imagenet_get_batch.m`. Images are resized by `imresize`, which averages where pixels become
/// fewer and rounds sizes up, to `imageSize + border` (`imageSize / cropSize` in later versions): the
/// shorter side with `keepAspect`, the default, else both. The centre of `imageSize` is taken, and
/// `averageImage` subtracted, of which files have three numbers or one for each place.
struct MatConvNetNormalization {
  /// Nil where the file does not say enough.
  private(set) var transform: InputTransform?
  /// In what the transform is not what the file asks for; empty where it is.
  private(set) var differences = [String]()

  init(_ value: MATValue) {
    guard let size = Self.pair(value["imageSize"]?.few.map { Array($0.prefix(2)) }),
      size[0] == size[1], let image = value["averageImage"]?.array
    else {
      differences.append("no averageImage beside an imageSize of a square")
      return
    }
    guard let mean = Self.channelMeans(image) else {
      differences.append("an averageImage of \(image.shapeText)")
      return
    }
    if image.count > 3 {
      differences.append(
        "averageImage has a number for each place, of which the channels' means are subtracted")
    }
    let crop = size[0]
    var full = crop + (Self.pair(value["border"]?.few).map { $0[0] } ?? 0)
    if let share = value["cropSize"]?.few?.first, share > 0, share <= 1 {
      full = Int((Double(crop) / share).rounded())
    }
    let keepsAspect = value["keepAspect"]?.few?.first != 0
    let interpolation = value["interpolation"]?.string ?? "bilinear"
    if interpolation != "bilinear" {
      differences.append("interpolation is \(interpolation), in place of which it is bilinear")
    }
    let resize = InputTransform.Resize(
      mode: keepsAspect ? .shortSide : .warp, width: full, height: full, filter: .bilinear,
      antialias: true, longSide: keepsAspect ? .up : nil)
    let found = InputTransform(
      name: Self.name, resize: resize, crop: crop, channels: .rgb, scale: 1, mean: mean)
    do throws(InputTransformError) {
      try found.validate()
      transform = found
    } catch {
      differences = ["\(error)"]
    }
  }

  /// The name of all such transforms: what they are is told by the rest of their values.
  static let name = "matconvnet (the file's own)"

  /// Two whole numbers; one stands for both.
  private static func pair(_ numbers: [Double]?) -> [Int]? {
    guard let numbers, let first = numbers.first.flatMap({ Int(exactly: $0) }),
      let last = numbers.last.flatMap({ Int(exactly: $0) }), numbers.count <= 2
    else { return nil }
    return [first, last]
  }

  /// Of red, green and blue: the array's last index, which runs slowest.
  private static func channelMeans(_ image: NumberArray) -> [Double]? {
    let numbers = image.numbers
    guard numbers.count % 3 == 0, !numbers.isEmpty, numbers.count == 3 || image.shape.last == 3
    else { return nil }
    let count = numbers.count / 3
    let means = (0..<3).map { channel in
      numbers[channel * count..<(channel + 1) * count].reduce(0, +) / Double(count)
    }
    // As many digits as float32 has, so that the order of additions does not show.
    return means.allSatisfy(\.isFinite) ? means.map { Double(Float($0)) } : nil
  }
}
