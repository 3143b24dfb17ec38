extension CaffeModel {
  /// The order in which the file's own layers pool and normalize after conv1; nil when the file
  /// holds no such layers, as files that were made to carry weights only.
  ///
  /// - Throws: `ModelError.wrongSetting` when it pools without normalizing, or the reverse.
  func architecture(path: String) throws(ModelError) -> Architecture? {
    guard let first = layers.firstIndex(where: { $0.name == "conv1" }) else { return nil }
    let behind = layers[(first + 1)...]
    let (pooling, lrn) = (
      MaxPoolingLayer.caffe.name, LocalResponseNormalizationLayer.caffe.name
    )
    let stage = behind.prefix {
      $0.type != ConvolutionLayer.caffe.name && $0.type != InnerProductLayer.caffe.name
    }
    let types = stage.map(\.type).filter { [pooling, lrn].contains($0) }
    switch types {
    case [pooling, lrn]: return .caffenet
    case [lrn, pooling]: return .alexnet
    case [] where !behind.contains { [pooling, lrn].contains($0.type) }: return nil
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
        let kind = definition.layers.first(where: { $0.name == layer.name })?.kind,
        type(of: kind).caffe.name == layer.type
      else { continue }
      for setting in kind.caffeSettings where setting.use != .written {
        if let found = settings.contradiction(to: setting) {
          throw .wrongSetting(
            layer: layer.name, path: path, setting: setting.name,
            expected: CaffeModel.Settings.written(setting.number), found: found)
        }
      }
    }
  }
}

extension CaffeModel.Settings {
  /// What the file has in place of the expected value; nil when it has that.
  func contradiction(to setting: CaffeSetting) -> String? {
    var found = setting.fields.flatMap { values[$0] ?? [] }.map { bits in
      switch setting.value {
      case .integer: Double(bits)
      case .float: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
      }
    }
    if found.isEmpty { found = [setting.defaultValue] }
    // Relative, for decimal fractions that went through other roundings than ours.
    let wrong = found.first { !(abs($0 - setting.number) <= 1e-6 * abs(setting.number)) }
    return wrong.map(Self.written)
  }

  /// `4` rather than `4.0`, `0.0001` rather than `9.99999974737875e-05`.
  static func written(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(Float(value))"
  }
}
