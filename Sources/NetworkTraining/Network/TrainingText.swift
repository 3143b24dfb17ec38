package import ConvNet
internal import Formats

/// A network as a `.prototxt` describes it, with what matters in training alone: `train_val.prototxt`
/// or `deploy.prototxt` of Caffe, or one that comes with decaf.
///
/// Layers of data, losses and accuracies are left out: the loss is softmax's. What remains is a network
/// as everything else here knows it.
package struct TrainingText: Sendable {
  /// What a layer's text says of its training.
  package struct Layer: Hashable, Sendable {
    package var name: String
    /// As many as `param` there are: of weights, then of biases.
    package var rates: [ParameterRates] = []
    package var weightFiller: Filler?
    package var biasFiller: Filler?
  }

  /// The layer that dropout follows, and the share that it drops.
  package struct Dropout: Hashable, Sendable {
    package let name: String
    /// The layer, but for dropout, before; empty for the input.
    package let after: String
    package let ratio: Double
  }

  package private(set) var layers: [Layer] = []
  package private(set) var dropouts: [Dropout] = []
  /// The network that the text is of, ending with probabilities.
  package let architecture: Architecture

  /// Reads a network's text.
  ///
  /// - Parameters:
  ///   - source: where it comes from, for messages.
  ///   - outputs: of layers that get another number of outputs, by name.
  ///   - inputSide: of the input where the text has none of its own but a layer of data.
  /// - Throws: `TrainingError.text` or `unknownLayer`; `ModelError`.
  package init(
    _ bytes: [UInt8], source: String, outputs: [String: Int] = [:], inputSide: Int? = nil
  ) throws {
    do {
      var message = try TextMessage(parsing: bytes, source: source)
      var reader = Reader(source: source)
      try reader.read(&message, outputs: outputs, inputSide: inputSide)
      (layers, dropouts) = (reader.layers, reader.dropouts)
      if let missing = outputs.keys.sorted().first(where: { !reader.replaced.contains($0) }) {
        throw TrainingError.unknownLayer(
          missing, option: "--replace", expected: reader.replaceable)
      }
      architecture = try Architecture(parsing: Array(message.text.utf8), source: source)
    } catch let error as TextFormatError { throw TrainingError.text(error) }
  }

  package func layer(_ name: String) -> Layer? { layers.first { $0.name == name } }
}

/// Goes through a network's layers.
private struct Reader {
  let source: String
  var layers: [TrainingText.Layer] = []
  var dropouts: [TrainingText.Dropout] = []
  var replaced = Set<String>()
  var replaceable: [String] = []
  private var hasInput = false
  private var cropSize: Int?
  private var inputName = "data"

  init(source: String) { self.source = source }

  private static func kind(_ type: String) -> String {
    type.lowercased().filter { $0 != "_" }
  }

  mutating func read(
    _ network: inout TextMessage, outputs: [String: Int], inputSide: Int?
  ) throws(TextFormatError) {
    hasInput = network.fields.contains { $0.name.hasPrefix("input") }
    var kept = [TextMessage.Field]()
    for field in network.fields {
      guard field.name == "layer" || field.name == "layers", case .message(let layer) = field.value
      else {
        kept.append(field)
        continue
      }
      if let layer = try read(layer, outputs: outputs) {
        kept.append(.init(name: field.name, line: field.line, value: .message(layer)))
      }
    }
    network.fields = kept
    if !hasInput, let side = cropSize ?? inputSide { insertInput(side, into: &network) }
    addProbabilities(to: &network)
  }

  /// The layer as it stays; nil for one that is left out.
  private mutating func read(
    _ layer: TextMessage, outputs: [String: Int]
  ) throws(TextFormatError) -> TextMessage? {
    let (name, kind) = (layer.string("name") ?? "", Self.kind(layer.string("type") ?? ""))
    let phases = layer.fields.compactMap { field -> String? in
      guard field.name == "include", case .message(let rule) = field.value else { return nil }
      return rule.string("phase")
    }
    if kind.hasSuffix("data") && kind != "dummydata" {
      if phases != ["TEST"], let size = layer.message("transform_param")?.string("crop_size") {
        cropSize = Int(size)
      }
      if phases != ["TEST"] { inputName = layer.strings("top").first ?? inputName }
      return nil
    }
    if ["softmaxwithloss", "softmaxloss", "accuracy"].contains(kind) || phases == ["TEST"] {
      return nil
    }
    if kind == "input" { return withoutLabels(layer) }
    try note(layer, name, kind)
    return try replacing(layer, name, kind, outputs)
  }

  /// Of an Input layer for data and labels, data alone.
  private mutating func withoutLabels(_ layer: TextMessage) -> TextMessage {
    hasInput = true
    var layer = layer
    let tops = layer.strings("top")
    guard tops.count > 1, var input = layer.message("input_param") else { return layer }
    layer.set("top", .text(tops[0]))
    if let shape = input.message("shape") { input.set("shape", .message(shape)) }
    layer.set("input_param", .message(input))
    return layer
  }

  private mutating func note(
    _ layer: TextMessage, _ name: String, _ kind: String
  ) throws(TextFormatError) {
    if kind == "dropout" {
      let text = layer.message("dropout_param")?.string("dropout_ratio") ?? "0.5"
      guard let ratio = Double(text), ratio >= 0, ratio < 1 else {
        throw TextFormatError(
          source: source, line: layer.line,
          problem: "\(name): dropout_ratio: expected 0..<1, found \(text)")
      }
      dropouts.append(.init(name: name, after: layers.last?.name ?? "", ratio: ratio))
      return
    }
    var found = TrainingText.Layer(name: name)
    for field in layer.fields where field.name == "param" {
      if case .message(let param) = field.value {
        found.rates.append(
          ParameterRates(
            rate: try number(param.string("lr_mult"), "lr_mult", param.line),
            decay: try number(param.string("decay_mult"), "decay_mult", param.line)))
      }
    }
    // The generation before has them as lists of their own.
    let (rates, decays) = (layer.strings("blobs_lr"), layer.strings("weight_decay"))
    for i in 0..<max(rates.count, decays.count) {
      found.rates.append(
        ParameterRates(
          rate: try number(i < rates.count ? rates[i] : nil, "blobs_lr", layer.line),
          decay: try number(i < decays.count ? decays[i] : nil, "weight_decay", layer.line)))
    }
    for field in layer.fields {
      guard case .message(let settings) = field.value else { continue }
      if let filler = settings.message("weight_filler") ?? settings.message("filler") {
        found.weightFiller = try Filler(filler, layer: name, source: source)
      }
      if let filler = settings.message("bias_filler") {
        found.biasFiller = try Filler(filler, layer: name, source: source)
      }
    }
    layers.append(found)
  }

  /// A factor of rates or decays; 1 where it is not there.
  private func number(
    _ text: String?, _ name: String, _ line: Int
  ) throws(TextFormatError) -> Float {
    guard let text else { return 1 }
    guard let value = Float(text), value.isFinite, value >= 0 else {
      throw TextFormatError(
        source: source, line: line,
        problem: "\(name): expected a number of 0 or more, found \(text)")
    }
    return value
  }

  private mutating func replacing(
    _ layer: TextMessage, _ name: String, _ kind: String, _ outputs: [String: Int]
  ) throws(TextFormatError) -> TextMessage {
    let settingsName = ["innerproduct": "inner_product_param", "convolution": "convolution_param"]
    guard let settingsName = settingsName[kind] else { return layer }
    replaceable.append(name)
    guard let count = outputs[name] else { return layer }
    replaced.insert(name)
    var layer = layer
    var settings = layer.message(settingsName) ?? TextMessage(line: layer.line)
    settings.set("num_output", .word("\(count)"))
    layer.set(settingsName, .message(settings))
    return layer
  }

  private func insertInput(_ side: Int, into network: inout TextMessage) {
    var shape = TextMessage(line: network.line)
    shape.fields = [1, 3, side, side].map {
      .init(name: "dim", line: network.line, value: .word("\($0)"))
    }
    network.fields.insert(
      .init(name: "input_shape", line: network.line, value: .message(shape)), at: 0)
    network.fields.insert(
      .init(name: "input", line: network.line, value: .text(inputName)), at: 0)
  }

  /// `classify` wants probabilities.
  private func addProbabilities(to network: inout TextMessage) {
    let messages = network.fields.compactMap { field -> (name: String, layer: TextMessage)? in
      guard case .message(let layer) = field.value, layer.string("type") != nil else { return nil }
      return (field.name, layer)
    }
    guard let last = messages.last, Self.kind(last.layer.string("type")!) != "softmax",
      let top = last.layer.string("top")
    else { return }
    var layer = TextMessage(line: network.line)
    layer.set("name", .text("prob"))
    layer.set("type", last.name == "layers" ? .word("SOFTMAX") : .text("Softmax"))
    layer.set("bottom", .text(top))
    layer.set("top", .text("prob"))
    network.fields.append(.init(name: last.name, line: network.line, value: .message(layer)))
  }
}
