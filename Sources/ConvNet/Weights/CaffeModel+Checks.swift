import Tensors

extension CaffeModel {
  /// The order in which the file's own layers pool and normalize after conv1; nil when the file
  /// holds no such layers, as files that were made to carry weights only.
  ///
  /// - Throws: `ModelError.wrongSetting` when it pools without normalizing, or the reverse.
  func architecture(path: String) throws(ModelError) -> Architecture? {
    guard let first = layers.firstIndex(where: { $0.name == "conv1" }) else { return nil }
    let behind = layers[(first + 1)...]
    let stage = behind.prefix { $0.type != "Convolution" && $0.type != "InnerProduct" }
    let types = stage.map(\.type).filter { $0 == "Pooling" || $0 == "LRN" }
    switch types {
    case ["Pooling", "LRN"]: return .caffenet
    case ["LRN", "Pooling"]: return .alexnet
    case [] where !behind.contains { $0.type == "Pooling" || $0.type == "LRN" }: return nil
    default:
      throw .wrongSetting(
        layer: "conv1", path: path, setting: "to be followed by",
        expected: "Pooling and LRN in one order or the other",
        found: types.isEmpty ? "neither" : types.joined(separator: ", "))
    }
  }

  /// Compares what the file says of its layers with `definition`; a layer without parameters in the
  /// file says nothing.
  ///
  /// - Throws: `ModelError.wrongSetting` for the first difference.
  func check(against definition: NetworkDefinition, path: String) throws(ModelError) {
    for layer in layers {
      guard let settings = layer.settings,
        let kind = definition.layers.first(where: { $0.name == layer.name })?.kind
      else { continue }
      for expectation in Self.expectations(of: kind, type: layer.type) {
        if let found = settings.contradiction(to: expectation) {
          throw .wrongSetting(
            layer: layer.name, path: path, setting: expectation.name,
            expected: expectation.written, found: found)
        }
      }
    }
  }

  /// One parameter of a layer: where it is found, what it is if it is not there, what it should be.
  struct Expectation {
    let name: String
    /// Field numbers that can hold it: one for both axes, or one an axis.
    let fields: [Int]
    let defaultValue: Double
    let value: Double
    let isFloat: Bool

    init(
      _ name: String, _ fields: [Int], _ defaultValue: Double, _ value: Double,
      isFloat: Bool = false
    ) {
      self.name = name
      self.fields = fields
      self.defaultValue = defaultValue
      self.value = value
      self.isFloat = isFloat
    }

    var written: String { Settings.written(value) }
  }

  private static func expectations(
    of kind: NetworkDefinition.Kind, type: String
  ) -> [Expectation] {
    switch kind {
    case .convolution(let it) where type == "Convolution":
      [
        Expectation("padding", [3, 9, 10], 0, Double(it.padding)),
        Expectation("kernel size", [4, 11, 12], 0, Double(it.kernelSize)),
        Expectation("groups", [5], 1, Double(it.groups)),
        Expectation("stride", [6, 13, 14], 1, Double(it.stride)),
        Expectation("dilation", [18], 1, 1),
      ]
    case .maxPooling(let kernelSize, let stride) where type == "Pooling":
      [
        Expectation("pooling method (0 is max)", [1], 0, 0),
        Expectation("kernel size", [2, 5, 6], 0, Double(kernelSize)),
        Expectation("stride", [3, 7, 8], 1, Double(stride)),
        Expectation("padding", [4, 9, 10], 0, 0),
        Expectation("rounding (0 is up)", [13], 0, 0),
      ]
    case .localResponseNormalization(let localSize, let alpha, let beta, let k) where type == "LRN":
      [
        Expectation("local size", [1], 5, Double(localSize)),
        Expectation("alpha", [2], 1, Double(alpha), isFloat: true),
        Expectation("beta", [3], 0.75, Double(beta), isFloat: true),
        Expectation("region (0 is across channels)", [4], 0, 0),
        Expectation("k", [5], 1, Double(k), isFloat: true),
      ]
    case .innerProduct where type == "InnerProduct":
      [Expectation("transposed weights", [6], 0, 0)]
    default: []
    }
  }
}

extension CaffeModel.Settings {
  /// What the file has in place of the expected value; nil when it has that.
  func contradiction(to expectation: CaffeModel.Expectation) -> String? {
    var found = [Double]()
    for value in expectation.fields.flatMap({ values[$0] ?? [] }) {
      found.append(
        expectation.isFloat
          ? Double(Float(bitPattern: UInt32(truncatingIfNeeded: value))) : Double(value))
    }
    if found.isEmpty { found = [expectation.defaultValue] }
    // Relative, for decimal fractions that went through other roundings than ours.
    let wrong = found.first { !(abs($0 - expectation.value) <= 1e-6 * abs(expectation.value)) }
    return wrong.map(Self.written)
  }

  /// `4` rather than `4.0`, `0.0001` rather than `9.99999974737875e-05`.
  static func written(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(Float(value))"
  }
}
