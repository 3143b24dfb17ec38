extension CaffeModel {
  /// The order in which the file's own layers pool and normalize after conv1; nil when the file
  /// holds no such layers, as files that were made to carry weights only.
  ///
  /// - Throws: `ModelError.wrongSetting` when it pools without normalizing, or the reverse.
  func architecture(path: String) throws(ModelError) -> Architecture? {
    guard let first = layers.firstIndex(where: { $0.name == "conv1" }) else { return nil }
    let behind = layers[(first + 1)...]
    let (pooling, lrn) = (
      PoolingLayer.caffe.name, LocalResponseNormalizationLayer.caffe.name
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

  /// Compares what the file says of its layers with `definition`: their order and kinds, their
  /// settings, and what the network reads. A file that lists none but layers with weights was made to
  /// carry these alone, and says nothing of what is between them.
  ///
  /// - Throws: `ModelError.wrongSetting` for the first difference.
  ///
  /// - Parameter isOfAnySize: the input may have another size than the file says: convolutions take any.
  func check(
    against definition: NetworkDefinition, isOfAnySize: Bool = false, path: String
  ) throws(ModelError) {
    try checkInput(against: definition, isOfAnySize: isOfAnySize, path: path)
    let chain = layers.filter { !Self.isPassedOver($0.type) }
    guard chain.contains(where: { !isOfWeightsOnly($0, in: definition) }) else {
      for layer in layers where layer.settings != nil {
        let expected = definition.layers.first { $0.name == layer.name }
        if let expected, type(of: expected.kind).caffe.name == layer.type {
          try check(layer, against: expected.kind, path: path)
        }
      }
      return
    }
    // The file may end early, and go on after what is used of it.
    let expectedChain = definition.layers.filter { !Self.isPassedOver($0.type) }
    for (layer, expected) in zip(chain, expectedChain) {
      let expectedType = type(of: expected.kind).caffe.name
      guard layer.type == expectedType, !expected.hasParameters || layer.name == expected.name
      else {
        throw .wrongSetting(
          layer: layer.name, path: path, setting: "in this place",
          expected: "\(expectedType) (\(expected.name))", found: layer.type)
      }
      if layer.settings != nil || !expected.hasParameters {
        try check(layer, against: expected.kind, path: path)
      }
    }
  }

  private func check(
    _ layer: Layer, against kind: any LayerKind, path: String
  ) throws(ModelError) {
    let settings = layer.settings ?? Settings()
    for setting in kind.caffeSettings where setting.use != .written {
      if let found = settings.contradiction(to: setting) {
        throw .wrongSetting(
          layer: layer.name, path: path, setting: setting.name,
          expected: Settings.written(setting.number), found: found)
      }
    }
  }

  /// What the network was made to read: an image's shape, and pixels that are not scaled.
  private func checkInput(
    against definition: NetworkDefinition, isOfAnySize: Bool, path: String
  ) throws(ModelError) {
    let shape = definition.shape(of: .data)
    let expected = [shape.channels, shape.height, shape.width]
    for found in isOfAnySize ? [] : [inputShape] + layers.map(\.inputShape) {
      if let found, found.count == 4, Array(found.suffix(3)) != expected {
        throw .wrongSetting(
          layer: "data", path: path, setting: "an input of", expected: ModelError.shape(expected),
          found: ModelError.shape(Array(found.suffix(3))))
      }
    }
    let transform =
      [CaffeSetting("transform_param scale", [1], Float(1), default: 1, .checked)]
      + (isOfAnySize
        ? []
        : [
          CaffeSetting(
            "transform_param crop_size", [3], shape.width, default: shape.width, .checked)
        ])
    for layer in layers {
      guard let settings = layer.transform else { continue }
      for setting in transform {
        if let found = settings.contradiction(to: setting) {
          throw .wrongSetting(
            layer: layer.name, path: path, setting: setting.name,
            expected: Settings.written(setting.number), found: found)
        }
      }
    }
  }

  /// The layer has weights of the network's, or of a classifier beside it, and tells nothing of what is
  /// between. One that scales or bends activations and that the network lacks tells of another network.
  private func isOfWeightsOnly(_ layer: Layer, in definition: NetworkDefinition) -> Bool {
    if [ConvolutionLayer.caffe.name, InnerProductLayer.caffe.name].contains(layer.type) {
      return true
    }
    return definition.layers.contains {
      $0.hasParameters && $0.name == layer.name && $0.type == layer.type
    }
  }

  /// Layers that read images or measure results, and those that do nothing at test time: none of
  /// them changes an activation. (Flatten leaves the order C, H, W as it is.)
  private static func isPassedOver(_ type: String) -> Bool {
    type == DropoutLayer.caffe.name || type.hasSuffix("Data") || type.hasSuffix("Loss")
      || ["Input", "Accuracy", "Split", "Silence", "Flatten", "HDF5Output"].contains(type)
  }
}

extension CaffeModel.Settings {
  /// What the file has in place of the expected value; nil when it has that.
  func contradiction(to setting: CaffeSetting) -> String? {
    var found = setting.fields.flatMap { field -> [UInt64] in
      let all = values[field] ?? []
      // Of several numbers in the field for both axes the first is the height's, the last the width's.
      return all.count == 2 ? [all[setting.axis]] : all
    }.map { bits in
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
