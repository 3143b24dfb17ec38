internal import Formats

/// A layer as a `.prototxt` describes it: `LayerParameter` or `V1LayerParameter`.
struct LayerText {
  private let source: String
  private let line: Int
  private var fields: [TextMessage.Field]
  private(set) var name = ""
  /// Caffe's name of the kind, as the present generation has it where it is one of `LayerKinds`.
  private(set) var type = ""
  private var typeLine = 0
  private(set) var bottoms = [String]()
  private(set) var tops = [String]()
  /// `include` and `exclude` leave it out where the network is tested.
  private(set) var isOfTrainingOnly = false

  init(_ message: TextMessage, source: String, line: Int) {
    (fields, self.source, self.line) = (message.fields, source, line)
  }

  private func error(_ problem: String, _ line: Int) -> TextFormatError {
    TextFormatError(
      source: source, line: line, problem: name.isEmpty ? problem : "\(name): \(problem)")
  }

  /// Takes what layers of all kinds have.
  mutating func readCommonFields() throws(TextFormatError) {
    var others = [TextMessage.Field]()
    for field in fields {
      switch (field.name, field.value) {
      case ("name", .text(let text)): name = text
      case ("type", .text(let text)), ("type", .word(let text)):
        (type, typeLine) = (Self.kindName(text), field.line)
      case ("bottom", .text(let text)): bottoms.append(text)
      case ("top", .text(let text)): tops.append(text)
      // Of training: how fast weights change, and what a loss counts.
      case ("blobs_lr", _), ("weight_decay", _), ("loss_weight", _), ("propagate_down", _),
        ("phase", _):
        break
      case ("param", .message(let message)):
        if let shared = message.fields.first(where: { $0.name == "name" }) {
          throw error("weights that layers share are not read here", shared.line)
        }
      case ("param", .text): throw error("weights that layers share are not read here", field.line)
      case ("include", .message(let rule)): try read(rule, excludes: false)
      case ("exclude", .message(let rule)): try read(rule, excludes: true)
      case ("layer", .message):
        throw error("a layer of Caffe's first (V0) format; upgrade it with Caffe", field.line)
      default: others.append(field)
      }
    }
    fields = others
    guard !name.isEmpty, !type.isEmpty else {
      throw error("expected a layer's name and type, found one or none of them", line)
    }
  }

  /// `INNER_PRODUCT`, as the generation before has it, is `InnerProduct`.
  private static func kindName(_ text: String) -> String {
    let key = text.lowercased().filter { $0 != "_" }
    let known = LayerKinds.caffeTypes.map(\.name) + ["Input"]
    return known.first { $0.lowercased() == key } ?? text
  }

  /// A `NetStateRule`: of rules only that of the phase.
  private mutating func read(_ rule: TextMessage, excludes: Bool) throws(TextFormatError) {
    for field in rule.fields {
      guard field.name == "phase", case .word(let phase) = field.value,
        ["TRAIN", "TEST", "0", "1"].contains(phase)
      else { throw error("'\(field.name)': a rule that is not read here", field.line) }
      let isTraining = phase == "TRAIN" || phase == "0"
      if isTraining != excludes { isOfTrainingOnly = true }
    }
  }

  /// The shape of an Input layer.
  func inputShape() throws(TextFormatError) -> TextMessage {
    guard fields.count == 1, fields[0].name == "input_param",
      case .message(let message) = fields[0].value, message.fields.count == 1,
      message.fields[0].name == "shape", case .message(let shape) = message.fields[0].value
    else { throw error("expected input_param { shape { dim … } }", line) }
    return shape
  }

  /// The layer in its place.
  func entry() throws(TextFormatError) -> NetworkDefinition.Entry {
    guard let kind = LayerKinds.all.first(where: { $0.caffe.name == type }) else {
      if type.hasSuffix("Data") || type.hasSuffix("Loss") || type == "Accuracy" {
        throw error(
          "a layer of type \(type) is for training; give the network's deploy.prototxt", typeLine)
      }
      let known = LayerKinds.caffeTypes.map(\.name).joined(separator: ", ")
      throw error("layers of type \(type) are not computed here; expected \(known)", typeLine)
    }
    guard bottoms.count == 1, tops.count == 1 else {
      throw error(
        "reads \(bottoms.count) and makes \(tops.count) blobs; a network here is a chain, whose "
          + "layers read one and make one", line)
    }
    return NetworkDefinition.Entry(
      name: name, kind: try read(kind), bottom: bottoms[0], top: tops[0], line: line)
  }

  private func read<Kind: LayerKind>(
    _ kind: Kind.Type
  ) throws(TextFormatError) -> any LayerKind {
    var found = [TextMessage.Field]()
    for field in fields {
      guard field.name == kind.caffe.settingsName, case .message(let message) = field.value else {
        throw error("'\(field.name)' is a field that a \(type) layer does not have", field.line)
      }
      found += message.fields
    }
    var settings = LayerSettings(found, layer: name, source: source, line: line)
    let layer = try Kind(reading: &settings)
    try settings.finish()
    return layer
  }
}
