internal import Formats

/// A network as a `.prototxt` describes it: Caffe's `NetParameter`, layers of the present generation
/// (`layer`) or of the one before (`layers`).
///
/// Source: Caffe's `src/caffe/proto/caffe.proto`. Whatever is not understood is refused by name and
/// line, never passed over, unless it matters in training alone.
struct NetworkText {
  private(set) var name = ""
  let definition: NetworkDefinition
  /// The input transform that a comment names, `# preprocess: torchvision`: a comment, so that Caffe reads
  /// the file too.
  let preprocess: String?

  /// - Throws: `TextFormatError`.
  init(_ bytes: [UInt8], source: String) throws(TextFormatError) {
    var reader = NetworkTextReader(source: source)
    try reader.read(try TextMessage(parsing: bytes, source: source))
    name = reader.name
    guard let input = reader.input else {
      throw TextFormatError(
        source: source, line: 1,
        problem: "expected the input's size (an Input layer, input_shape or input_dim), found "
          + "none; give the network's deploy.prototxt")
    }
    guard !reader.entries.isEmpty else {
      throw TextFormatError(source: source, line: 1, problem: "expected layers, found none")
    }
    definition = try NetworkDefinition(
      input: input.shape, inputName: input.name, entries: reader.entries, source: source)
    preprocess = try Self.preprocess(in: bytes, source: source)
  }

  /// - Throws: `TextFormatError` for a second such comment, or a name of no transform.
  private static func preprocess(
    in bytes: [UInt8], source: String
  ) throws(TextFormatError) -> String? {
    var found: String?
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() where line.first == UInt8(ascii: "#") {
      let words = String(decoding: line.dropFirst(), as: UTF8.self)
        .split(whereSeparator: \.isWhitespace)
      guard words.first == "preprocess:" else { continue }
      guard words.count == 2, found == nil, InputTransform.isName(String(words[1])) else {
        throw TextFormatError(
          source: source, line: number + 1,
          problem: "preprocess: expected once, with one of "
            + "\(InputTransform.presetNames.joined(separator: ", ")) or a YAML file, found "
            + (found == nil ? words.dropFirst().joined(separator: " ") : "it twice"))
      }
      found = String(words[1])
    }
    return found
  }
}

/// Goes through a network's fields.
struct NetworkTextReader {
  private let source: String
  private(set) var name = ""
  private(set) var input: (name: String, shape: BlobShape)?
  private(set) var entries = [NetworkDefinition.Entry]()
  /// `input` and `input_dim`, which come apart.
  private var inputName: String?
  private var dimensions = [(value: Int, line: Int)]()

  /// Sides and channels of an input; layers.
  private static let sizeLimit = 1 << 14
  private static let layerLimit = 1000

  init(source: String) { self.source = source }

  private func error(_ problem: String, _ line: Int) -> TextFormatError {
    TextFormatError(source: source, line: line, problem: problem)
  }

  mutating func read(_ network: TextMessage) throws(TextFormatError) {
    for field in network.fields {
      switch (field.name, field.value) {
      case ("name", .text(let text)): name = text.filter { $0 > " " }
      case ("input", .text(let text)):
        guard inputName == nil else { throw error("a second input", field.line) }
        inputName = text
      case ("input_dim", .word(let word)):
        dimensions.append((try size(word, "input_dim", field.line), field.line))
      case ("input_shape", .message(let shape)): dimensions += try readShape(shape)
      case ("layer", .message(let layer)), ("layers", .message(let layer)):
        guard entries.count < Self.layerLimit else {
          throw error("more than \(Self.layerLimit) layers", field.line)
        }
        try read(layer, line: field.line)
      case ("force_backward", _), ("debug_info", _), ("state", _): break
      default: throw error("'\(field.name)' is a field that is not read here", field.line)
      }
    }
    if inputName != nil || !dimensions.isEmpty {
      guard input == nil else { throw error("the input's size twice", dimensions.first?.line ?? 1) }
      try setInput(inputName ?? "data", dimensions, line: dimensions.first?.line ?? 1)
    }
  }

  private func size(_ word: String, _ what: String, _ line: Int) throws(TextFormatError) -> Int {
    guard let value = Int(word), value >= 1, value <= Self.sizeLimit else {
      throw error("\(what): expected 1…\(Self.sizeLimit), found \(word)", line)
    }
    return value
  }

  private func readShape(_ shape: TextMessage) throws(TextFormatError) -> [(value: Int, line: Int)]
  {
    var dimensions = [(value: Int, line: Int)]()
    for field in shape.fields {
      guard field.name == "dim", case .word(let word) = field.value else {
        throw error("'\(field.name)': expected dim, a number", field.line)
      }
      dimensions.append((try size(word, "dim", field.line), field.line))
    }
    return dimensions
  }

  /// - Parameter dimensions: images, channels, height, width.
  private mutating func setInput(
    _ name: String, _ dimensions: [(value: Int, line: Int)], line: Int
  ) throws(TextFormatError) {
    guard dimensions.count == 4 else {
      throw error(
        "the input: expected four dimensions (images, channels, height, width), found "
          + "\(dimensions.count)", line)
    }
    input = (name, BlobShape(dimensions[1].value, dimensions[2].value, dimensions[3].value))
  }

  /// Reads a layer of either generation.
  private mutating func read(_ message: TextMessage, line: Int) throws(TextFormatError) {
    var layer = LayerText(message, source: source, line: line)
    try layer.readCommonFields()
    guard !layer.isOfTrainingOnly else { return }
    if layer.type == "Input" {
      guard input == nil else { throw error("\(layer.name): a second input", line) }
      guard layer.bottoms.isEmpty, layer.tops.count == 1 else {
        throw error("\(layer.name): expected an input to make one blob", line)
      }
      try setInput(layer.tops[0], try readShape(try layer.inputShape()), line: line)
      return
    }
    entries.append(try layer.entry())
  }
}
