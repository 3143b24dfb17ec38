extension InputTransform {
  /// The same transform with crops of `side`×`side` pixels, as far as it resizes to so many.
  package func cropping(to side: Int) -> InputTransform {
    let limit = min(area ?? .max, min(resize.width, resize.height))
    guard side <= limit else { return self }
    var fitting = self
    (fitting.crop, fitting.cropWidth) = (side, nil)
    return fitting
  }

  /// What makes this transform's pixel values others than those of `expected`: order, range and origin,
  /// by which a network's filters were trained. How images are resized and cut is a matter of taste.
  package func differencesOfValues(from expected: InputTransform) -> [String] {
    var differences = [String]()
    func note(_ name: String, _ found: String, _ wanted: String) {
      if found != wanted { differences.append("\(name): expected \(wanted), found \(found)") }
    }
    note("channels", channels.rawValue, expected.channels.rawValue)
    note("scale", "\(Float(scale))", "\(Float(expected.scale))")
    let one = [1.0, 1, 1]
    note("std", "\(std ?? one)", "\(expected.std ?? one)")
    note("flip", flip?.rawValue ?? "none", expected.flip?.rawValue ?? "none")
    // A mean image's own means are not looked at; means of different data are some grey levels apart.
    if meanImage == nil, expected.meanImage == nil, differences.isEmpty,
      zip(mean, expected.mean).contains(where: {
        abs($0 - $1) > Self.meanTolerance * expected.scale
      })
    {
      note("mean", "\(mean)", "\(expected.mean)")
    }
    return differences
  }

  /// Grey levels.
  private static let meanTolerance = 8.0
}

extension Model {
  /// The input transform of the images that the network was trained on; nil where neither the weights'
  /// file nor the network's names one. A preset takes the size of its crops from the network.
  ///
  /// - Throws: `InputTransformError` when the named file cannot be read, `ModelError.noImages`.
  package func ownTransform() throws -> InputTransform? {
    if let described = describedTransform { return described.cropping(to: try imageSide()) }
    guard let preprocess else { return nil }
    let transform = try InputTransform.named(preprocess)
    return InputTransform.presetNames.contains(preprocess)
      ? transform.cropping(to: try imageSide()) : transform
  }
}
