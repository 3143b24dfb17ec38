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

  /// Whether `named` takes it for a file.
  private static func isPath(_ name: String) -> Bool {
    name.contains("/") || [".yaml", ".yml"].contains { name.hasSuffix($0) }
  }

  /// A preset's name, or a file's, which may not be there.
  static func isName(_ name: String) -> Bool { Presets.preprocess[name] != nil || isPath(name) }

  /// The name of a transform as it is found from here, where a file in `folder` has it.
  static func path(_ name: String, in folder: String) -> String {
    Presets.preprocess[name] != nil || name.hasPrefix("/") ? name : "\(folder)/\(name)"
  }

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
    guard isPath(nameOrPath) else { throw .unknown(nameOrPath, presets: presetNames) }
    let bytes: [UInt8]
    do throws(SystemError) {
      // A megabyte is more than anybody writes by hand.
      bytes = try PositionedFile(nameOrPath, .read).read(1 << 20, at: 0)
    } catch { throw .unreadable(error) }
    return try InputTransform(
      yaml: String(decoding: bytes, as: UTF8.self), source: nameOrPath,
      folder: FileSystem.folder(of: nameOrPath))
  }

  /// Reads a transform from YAML text.
  ///
  /// - Parameters:
  ///   - source: a name for messages.
  ///   - folder: where the path of a mean image starts from.
  /// - Throws: `InputTransformError.invalid`; unknown keys are problems too.
  package init(
    yaml: String, source: String, folder: String = "."
  ) throws(InputTransformError) {
    var fields = YAMLFields(yaml)
    let name = fields.string("name")
    var section = fields.section("resize")
    let resize = Resize(&section)
    let crop = fields.oneOrTwo("crop")
    let channels = fields.choice("channels", of: Channels.self)
    let scale = fields.number("scale")
    let mean = fields.numbers("mean")
    let area = fields.has("area") ? fields.integer("area") : nil
    let offset = fields.has("offset") ? fields.choice("offset", of: Offset.self) : nil
    let flip = fields.has("flip") ? fields.choice("flip", of: Flip.self) : nil
    let std = fields.has("std") ? fields.numbers("std") : nil
    let alpha = fields.has("alpha") ? fields.choice("alpha", of: AlphaRule.self) : nil
    let meanImage = fields.meanImage(folder: folder)
    if resize?.mode == .within {
      section.note("mode", "found within, which descriptors alone can use")
    }
    let problems = fields.finish() + section.finish()

    guard problems.isEmpty, let name, let resize, let crop, let channels, let scale, let mean
    else { throw .invalid(source: source, problems: problems) }
    self.init(
      name: name, resize: resize, area: area, crop: crop[0],
      cropWidth: crop.count == 2 && crop[0] != crop[1] ? crop[1] : nil, offset: offset, flip: flip,
      channels: channels, scale: scale, mean: mean, meanImage: meanImage, std: std, alpha: alpha)
    try validate(source: source)
  }

  /// Checks the values against each other.
  ///
  /// - Throws: `InputTransformError.invalid` with every problem at once.
  package func validate(source: String? = nil) throws(InputTransformError) {
    var problems: [String] = []
    let sides = 1...4096
    let named =
      resize.mode == .warp
      ? [("resize.width", resize.width), ("resize.height", resize.height)]
      : [("resize.side", resize.width)]
    for (key, side) in named where !sides.contains(side) {
      problems.append("\(key): found \(side), expected \(sides.lowerBound)…\(sides.upperBound)")
    }
    let resized = min(resize.width, resize.height)
    if let area, area < 1 || area > resized {
      problems.append("area: found \(area), expected 1…\(resized), the size after resizing")
    }
    for (side, resized) in [(inputHeight, resize.height), (inputWidth, resize.width)] {
      let limit = min(area ?? resized, resized)
      if (side < 1 || side > limit) && !problems.contains(where: { $0.hasPrefix("crop") }) {
        // Of a square crop the smaller side is the limit.
        let limit = cropWidth == nil ? min(area ?? resized, resize.width, resize.height) : limit
        problems.append("crop: found \(side), expected 1…\(limit), the size after resizing")
      }
    }
    if !(scale.isFinite && scale > 0) {
      problems.append("scale: found \(scale), expected a number above 0")
    }
    if mean.count != 3 || !mean.allSatisfy(\.isFinite) {
      problems.append("mean: found \(mean), expected one number for each of 3 channels")
    }
    if let std, std.count != 3 || !std.allSatisfy({ $0.isFinite && $0 > 0 }) {
      problems.append("std: found \(std), expected a number above 0 for each of 3 channels")
    }
    if let meanImage {
      let (width, height) = area.map { ($0, $0) } ?? (resize.width, resize.height)
      if resize.mode == .shortSide && area == nil {
        problems.append("mean-image: needs “area”, since resized images have many sizes")
      } else if (meanImage.width, meanImage.height) != (width, height) {
        problems.append(
          "mean-image: found \(meanImage.height)×\(meanImage.width), expected \(height)×\(width)")
      }
    }
    guard problems.isEmpty else { throw .invalid(source: source ?? name, problems: problems) }
  }
}

extension InputTransform.Resize {
  fileprivate init?(_ fields: inout YAMLFields) {
    let mode = fields.choice("mode", of: Mode.self)
    let isWarp = mode != .shortSide
    let width = fields.integer(isWarp ? "width" : "side")
    let height = isWarp ? fields.integer("height") : width
    let filter = fields.choice("filter", of: Filter.self)
    let antialias = fields.has("antialias") ? fields.bool("antialias") : nil
    let rounding = fields.has("rounding") ? fields.choice("rounding", of: Rounding.self) : nil
    let edge = fields.has("edge") ? fields.choice("edge", of: Edge.self) : nil
    let longSide = fields.has("long-side") ? fields.choice("long-side", of: LongSide.self) : nil
    guard let mode, let width, let height, let filter else { return nil }
    self.init(
      mode: mode, width: width, height: height, filter: filter, antialias: antialias,
      rounding: rounding, edge: edge, longSide: longSide)
  }
}

extension YAMLFields {
  /// A mean image in a file; nil where there is none, or something is wrong with it.
  fileprivate mutating func meanImage(folder: String) -> MeanImageFile? {
    guard has("mean-image"), let path = string("mean-image") else { return nil }
    do throws(ProblemError) {
      return try MeanImageFile(contentsOf: path.hasPrefix("/") ? path : "\(folder)/\(path)")
    } catch {
      note("mean-image", error.text)
      return nil
    }
  }
}
