package import Files
internal import Images
internal import Presets

/// Why an input transform cannot be used.
package enum InputTransformError: ErrorWithStatus, Equatable, Sendable, CustomStringConvertible {
  /// No preset and no file has this name.
  case unknown(String, presets: [String])
  case unreadable(SystemError)
  /// Everything that is wrong with the transform from `source`.
  case invalid(source: String, problems: [String])

  package var description: String {
    switch self {
    case .unknown(let name, let presets):
      """
      no input transform “\(name)”; expected one of \(presets.joined(separator: ", ")), \
      or a YAML file like those of Configs/preprocess
      """
    case .unreadable(let error): "input transform: \(error)"
    case .invalid(let source, let problems):
      "input transform \(source): " + problems.joined(separator: "; ")
    }
  }

  package var exitStatus: ExitStatus { .badInput }
}

extension InputTransform {
  /// The transforms that can be had by name.
  package static var presetNames: [String] { Presets.preprocess.keys.sorted() }

  /// A preset, or a transform read from a YAML file.
  ///
  /// - Parameter nameOrPath: a file when it has a slash in it or ends in `.yaml` or `.yml`.
  /// - Throws: `InputTransformError`; `.invalid` with every problem at once.
  package static func named(
    _ nameOrPath: String
  ) throws(InputTransformError) -> InputTransform {
    if let yaml = Presets.preprocess[nameOrPath] {
      return try InputTransform(yaml: yaml, source: nameOrPath)
    }
    let isPath =
      nameOrPath.contains("/") || [".yaml", ".yml"].contains { nameOrPath.hasSuffix($0) }
    guard isPath else { throw .unknown(nameOrPath, presets: presetNames) }
    let bytes: [UInt8]
    do throws(SystemError) {
      // A megabyte is more than anybody writes by hand.
      bytes = try PositionedFile(nameOrPath, .read).read(1 << 20, at: 0)
    } catch { throw .unreadable(error) }
    return try InputTransform(yaml: String(decoding: bytes, as: UTF8.self), source: nameOrPath)
  }

  /// Reads a transform from YAML text.
  ///
  /// - Parameter source: a name for messages.
  /// - Throws: `InputTransformError.invalid`; unknown keys are problems too.
  package init(yaml: String, source: String) throws(InputTransformError) {
    var fields = YAMLFields(yaml)
    let name = fields.string("name")
    var resize = fields.section("resize")
    let mode = resize.choice("mode", of: Resize.Mode.self)
    let width = resize.integer("width")
    let height = resize.integer("height")
    let filter = resize.choice("filter", of: Resize.Filter.self)
    let crop = fields.integer("crop")
    let channels = fields.choice("channels", of: Channels.self)
    let scale = fields.number("scale")
    let mean = fields.numbers("mean")
    let alpha = fields.has("alpha") ? fields.choice("alpha", of: AlphaRule.self) : nil
    let problems = fields.finish() + resize.finish()

    guard problems.isEmpty, let name, let mode, let width, let height, let filter, let crop,
      let channels, let scale, let mean
    else { throw .invalid(source: source, problems: problems) }
    self.init(
      name: name, resize: Resize(mode: mode, width: width, height: height, filter: filter),
      crop: crop, channels: channels, scale: scale, mean: mean, alpha: alpha)
    try validate(source: source)
  }

  /// Checks the values against each other.
  ///
  /// - Throws: `InputTransformError.invalid` with every problem at once.
  package func validate(source: String? = nil) throws(InputTransformError) {
    var problems: [String] = []
    let sides = 1...4096
    for (key, side) in [("resize.width", resize.width), ("resize.height", resize.height)]
    where !sides.contains(side) {
      problems.append("\(key): found \(side), expected \(sides.lowerBound)…\(sides.upperBound)")
    }
    let limit = min(resize.width, resize.height)
    if crop < 1 || crop > limit {
      problems.append("crop: found \(crop), expected 1…\(limit), the size after resizing")
    }
    if !(scale.isFinite && scale > 0) {
      problems.append("scale: found \(scale), expected a number above 0")
    }
    if mean.count != 3 || !mean.allSatisfy(\.isFinite) {
      problems.append("mean: found \(mean), expected one number for each of 3 channels")
    }
    guard problems.isEmpty else { throw .invalid(source: source ?? name, problems: problems) }
  }
}
