internal import Formats
internal import Tensors

/// Takes the settings of a layer, a message such as `convolution_param`, one by one; what nobody has
/// taken is refused in the end, so that no setting is left out silently.
///
/// Bounds are far beyond what any network has, and keep products of sizes within an `Int`.
struct LayerSettings {
  private let source: String
  /// What to call the layer in messages.
  private let layer: String
  /// Where it begins, for settings that are missing.
  private let line: Int
  private var fields: [TextMessage.Field]

  private static let largestSize = 1 << 16

  init(_ fields: [TextMessage.Field], layer: String, source: String, line: Int) {
    (self.fields, self.layer, self.source, self.line) = (fields, layer, source, line)
  }

  func error(_ problem: String, line: Int? = nil) -> TextFormatError {
    TextFormatError(source: source, line: line ?? self.line, problem: "\(layer): \(problem)")
  }

  /// All fields of the name, which are then taken.
  mutating func take(_ name: String) -> [TextMessage.Field] {
    let found = fields.filter { $0.name == name }
    fields.removeAll { $0.name == name }
    return found
  }

  /// Fields that change nothing at test time: how weights are filled, which library computes.
  mutating func ignore(_ names: String...) {
    fields.removeAll { names.contains($0.name) }
  }

  /// - Throws: `TextFormatError` for a field that nobody has taken.
  func finish() throws(TextFormatError) {
    guard let field = fields.first else { return }
    throw error("'\(field.name)' is a setting that is not read here", line: field.line)
  }

  private func word(_ field: TextMessage.Field) throws(TextFormatError) -> String {
    guard case .word(let word) = field.value else {
      throw error("\(field.name): expected a number or a word", line: field.line)
    }
    return word
  }

  /// The field, which may be there once; as the format has it, the last of several would count.
  private mutating func single(
    _ name: String
  ) throws(TextFormatError) -> (word: String, line: Int)? {
    let found = take(name)
    guard let field = found.first else { return nil }
    guard found.count == 1 else {
      throw error("\(name) is there \(found.count) times", line: found[1].line)
    }
    return (try word(field), field.line)
  }

  private func size(
    _ word: String, _ name: String, _ line: Int, from least: Int
  ) throws(TextFormatError) -> Int {
    guard let value = Int(word), value >= least, value <= Self.largestSize else {
      throw error(
        "\(name): expected \(least)…\(Self.largestSize), found \(word)", line: line)
    }
    return value
  }

  /// A whole number from `least` on; nil when it is not there.
  mutating func size(_ name: String, from least: Int = 1) throws(TextFormatError) -> Int? {
    guard let found = try single(name) else { return nil }
    return try size(found.word, name, found.line, from: least)
  }

  /// A whole number that has to be there.
  mutating func requiredSize(_ name: String) throws(TextFormatError) -> Int {
    guard let value = try size(name) else { throw error("\(name) is missing") }
    return value
  }

  mutating func number(_ name: String, default: Float) throws(TextFormatError) -> Float {
    guard let found = try single(name) else { return `default` }
    var word = found.word
    if word.hasSuffix("f") || word.hasSuffix("F") { word.removeLast() }
    guard let value = Float(word), value.isFinite else {
      throw error("\(name): expected a number, found \(found.word)", line: found.line)
    }
    return value
  }

  mutating func flag(_ name: String, default: Bool) throws(TextFormatError) -> Bool {
    guard let found = try single(name) else { return `default` }
    switch found.word {
    case "true", "True", "t", "1": return true
    case "false", "False", "f", "0": return false
    default: throw error("\(name): expected true or false, found \(found.word)", line: found.line)
    }
  }

  /// One of `names`, or its number in their order; the first when it is not there.
  mutating func choice(_ name: String, _ names: [String]) throws(TextFormatError) -> String {
    guard let found = try single(name) else { return names[0] }
    if let number = Int(found.word), names.indices.contains(number) { return names[number] }
    guard names.contains(found.word) else {
      throw error(
        "\(name): expected \(names.joined(separator: " or ")), found \(found.word)",
        line: found.line)
    }
    return found.word
  }

  /// Refuses a setting of any value but the one that all layers here have.
  mutating func require(_ name: String, _ values: String...) throws(TextFormatError) {
    if let found = try single(name), !values.contains(found.word) {
      throw error("\(name): expected \(values[0]), found \(found.word)", line: found.line)
    }
  }

  /// A size of both axes: `name`, once or for height and width; or the two of `axes`. Nil when there is
  /// none.
  mutating func plane(
    _ name: String, axes: (height: String, width: String)? = nil, from least: Int = 1
  ) throws(TextFormatError) -> PlaneSize? {
    let found = take(name)
    var values = [Int]()
    for field in found { values.append(try size(word(field), name, field.line, from: least)) }
    let height = try axes.flatMap { axes throws(TextFormatError) in
      try size(axes.height, from: least)
    }
    let width = try axes.flatMap { axes throws(TextFormatError) in
      try size(axes.width, from: least)
    }
    guard values.isEmpty || (height == nil && width == nil && values.count <= 2) else {
      throw error("\(name): expected one number, or one an axis", line: found[0].line)
    }
    if let first = values.first { return PlaneSize(first, values.last!) }
    switch (height, width) {
    case (let height?, let width?): return PlaneSize(height, width)
    case (nil, nil): return nil
    default:
      throw error("\(name): expected a number for height and width, found one for one of them")
    }
  }
}
