internal import FeatureStore
internal import Files
internal import Formats
internal import Tensors

/// One safetensors file: `weight` K×D and `bias` K, with `mean` and `factor` D where features are
/// scaled, and metadata. All are float32; `weight` and `bias` are float64 where single precision would
/// break what the certificate says of them.
///
/// Metadata values are JSON: `classes` an array of names; `layer`, `loss`, `C`, `objective`,
/// `certificate`, `features` (the model's, the transform's identity), `training`, and `job` (a hash of
/// all that decides the classifier: stores, options, arithmetic). Nothing of the run is in the file,
/// so equal trainings give equal files. `sha256` is the `SafetensorsDigest` of all else; files of
/// earlier versions have none.
extension Classifier {
  private static let format = "decaf-classifier"
  private static let version = "1"
  private static let digestKey = "sha256"
  /// What a file without a digest may have: another key is what damage left of that one.
  private static let plainKeys: Set = [
    "format", "version", "classes", "layer", "loss", "C", "objective", "certificate", "features",
    "training",
  ]

  /// Writes the file; it appears at `path` when it is complete.
  ///
  /// - Throws: `ClassificationError.cannotWrite`.
  package func save(_ path: String) throws {
    var metadata = [
      "format": Self.format,
      "version": Self.version,
      "classes": JSONValue.array(classes.map { .string($0) }).compactText,
      "layer": features.layer,
      "loss": training.loss.rawValue,
      "C": "\(training.C)",
      "objective": "\(training.certificate.objective)",
      "certificate": training.certificate.json.compactText,
      "features": try JSONValue(encoding: features).compactText,
      "training": try JSONValue(encoding: training).compactText,
    ]
    metadata["job"] = job
    do throws(SystemError) {
      try SafetensorsWriter.write(
        path, metadata: metadata, digestKey: Self.digestKey,
        tensors: [
          .init("weight", [classes.count, width], weights, isNarrow: isNarrow.weights),
          .init("bias", [classes.count], bias, isNarrow: isNarrow.bias),
        ]
          + (scaling.map {
            [.init("mean", [width], $0.means), .init("factor", [width], $0.factors)]
          } ?? []))
    } catch { throw ClassificationError.cannotWrite(error) }
  }

  /// Fails now if `save` could not begin at `path`: better before hours of training than after.
  ///
  /// - Throws: `ClassificationError.cannotWrite`.
  package static func checkWritable(_ path: String) throws {
    do throws(SystemError) { _ = try ReplacementFile(path) } catch {
      throw ClassificationError.cannotWrite(error)
    }
  }

  /// Reads the file.
  ///
  /// - Throws: `SafetensorsError` when it cannot be read as safetensors;
  ///   `ClassificationError.invalidClassifier` when it is no classifier, or contradicts itself.
  package static func load(_ path: String) throws -> Classifier {
    func invalid(_ reason: String) -> ClassificationError {
      .invalidClassifier(path: path, reason: reason)
    }
    let file = try SafetensorsFile(path)
    guard file.metadata["format"] == format else {
      throw invalid("its format is \(file.metadata["format"] ?? "not given")")
    }
    guard file.metadata["version"] == version else {
      throw invalid(
        "it has version \(file.metadata["version"] ?? "none"), this program reads \(version)")
    }
    if let problem = digestProblem(file) { throw invalid(problem) }
    func decoded<T: Decodable>(_ key: String, _ type: T.Type) throws -> T {
      guard let text = file.metadata[key] else { throw invalid("metadata lacks \(key)") }
      do {
        return try JSONValue(parsing: Array(text.utf8)).decoded(type)
      } catch { throw invalid("metadata \(key) cannot be understood") }
    }
    let classes = try decoded("classes", [String].self)
    let features = try decoded("features", FeatureOrigin.self)
    let training = try decoded("training", Training.self)
    let isScaled = file.tensor(named: "mean") != nil || file.tensor(named: "factor") != nil
    let vectors = isScaled ? [("mean", [features.width]), ("factor", [features.width])] : []
    for (name, shape) in [
      ("weight", [classes.count, features.width]), ("bias", [classes.count]),
    ] + vectors {
      guard let tensor = file.tensor(named: name) else { throw invalid("it has no \(name)") }
      guard tensor.shape == shape else {
        throw invalid("\(name) has shape \(tensor.shape), expected \(shape)")
      }
    }
    let weights = try Self.numbers(file, "weight")
    let bias = try Self.numbers(file, "bias")
    var scaling: FeatureScaling?
    if isScaled {
      scaling = FeatureScaling(means: try file.floats("mean"), factors: try file.floats("factor"))
    }
    let numbers = scaling.map { $0.means + $0.factors } ?? []
    guard classes.count >= 2, (weights + bias).allSatisfy(\.isFinite),
      numbers.allSatisfy(\.isFinite)
    else {
      throw invalid(classes.count < 2 ? "it has \(classes.count) classes" : "it holds NaN")
    }
    return Classifier(
      classes: classes, weights: weights, bias: bias, scaling: scaling, features: features,
      training: training, job: file.metadata["job"])
  }
}

extension Certificate {
  /// For people and other programs: the ratios as well.
  fileprivate var json: JSONValue {
    var members: [String: JSONValue] = [
      "gap": .number(gap), "relative_gap": .number(relativeGap),
      "relative_gradient": .number(relativeGradient),
    ]
    if let gain, let gapOfGain {
      members["gain"] = .number(gain)
      members["gap_of_gain"] = .number(gapOfGain)
    }
    return .object(members)
  }
}

extension Classifier {
  /// A tensor of float32, or of float64.
  private static func numbers(_ file: SafetensorsFile, _ name: String) throws -> [Double] {
    file.tensor(named: name)?.dtype == ElementType.float64.safetensorsName
      ? try file.doubles(name) : try file.floats(name).map(Double.init)
  }

  /// How the file's contents contradict its digest; nil when they do not.
  private static func digestProblem(_ file: SafetensorsFile) -> String? {
    guard let digest = file.metadata[digestKey] else {
      return file.metadata.keys.first { !plainKeys.contains($0) }.map {
        "its metadata has “\($0)” and no \(digestKey): it is damaged"
      }
    }
    return digest == file.contentDigest(without: digestKey).hexadecimal
      ? nil : "its contents do not have its digest: it is damaged; train it again"
  }
}
