internal import Classification
internal import Files
internal import Presets

extension EvaluationProtocol {
  /// The protocols that can be had by name.
  package static var presetNames: [String] { Presets.protocols.keys.sorted() }

  /// A preset, or a protocol read from a YAML file.
  ///
  /// - Parameter nameOrPath: a file when it has a slash in it or ends in `.yaml` or `.yml`.
  /// - Returns: the protocol, and the stores that the file names, relative to its folder.
  /// - Throws: `EvaluationError`; `.invalidProtocol` with every problem at once.
  package static func named(
    _ nameOrPath: String
  ) throws(EvaluationError) -> (protocol: EvaluationProtocol, stores: [String: String]) {
    if let yaml = Presets.protocols[nameOrPath] { return try parse(yaml, source: nameOrPath) }
    let isPath =
      nameOrPath.contains("/") || [".yaml", ".yml"].contains { nameOrPath.hasSuffix($0) }
    guard isPath else { throw .unknownProtocol(nameOrPath, presets: presetNames) }
    let bytes: [UInt8]
    do throws(SystemError) {
      // A megabyte is more than anybody writes by hand.
      bytes = try PositionedFile(nameOrPath, .read).read(1 << 20, at: 0)
    } catch { throw .unreadable(error) }
    var found = try parse(String(decoding: bytes, as: UTF8.self), source: nameOrPath)
    let folder = FileSystem.folder(of: nameOrPath)
    found.stores = found.stores.mapValues { $0.hasPrefix("/") ? $0 : "\(folder)/\($0)" }
    return found
  }

  /// Reads a protocol from YAML text.
  ///
  /// - Throws: `EvaluationError.invalidProtocol`; unknown keys are problems too.
  static func parse(
    _ yaml: String, source: String
  ) throws(EvaluationError) -> (protocol: EvaluationProtocol, stores: [String: String]) {
    var reader = ProtocolReader(yaml)
    guard let result = reader.read() else {
      throw .invalidProtocol(source: source, problems: reader.problems)
    }
    return result
  }
}

/// Takes a protocol from YAML and gathers everything that is wrong with it.
private struct ProtocolReader {
  private var fields: YAMLFields
  private(set) var problems: [String] = []

  private enum Kind: String, CaseIterable {
    case fewShot = "few-shot"
    case fixed, adaptation
  }

  /// Of a class: below it no arithmetic on places in its order overflows.
  private static let mostRows = 1_000_000_000

  init(_ yaml: String) { fields = YAMLFields(yaml) }

  /// Nil when `problems` says why.
  mutating func read() -> (protocol: EvaluationProtocol, stores: [String: String])? {
    let name = fields.string("name")
    let title = fields.has("title") ? fields.string("title") : name
    let kind = fields.choice("kind", of: Kind.self)
    let layers = fields.strings("layers")
    let losses = fields.choices("losses", of: Loss.self)
    let dropout = fields.has("dropout") ? fields.numbers("dropout") : [0]
    let dropoutLayers = fields.has("dropout-layers") ? fields.strings("dropout-layers") : nil
    let copies =
      fields.has("dropout-copies")
      ? fields.integer("dropout-copies") : Dropout.defaultCopies
    let normalization = fields.choice("normalize", of: RowNormalization.self)
    let path = fields.numbers("C")
    let validation = readValidation(isNeeded: (path?.count ?? 0) > 1)
    let design = readDesign(kind)
    let isRandom = kind != .fixed
    let splitCount = isRandom || fields.has("splits") ? fields.integer("splits") : 1
    let seed = fields.integer("seed")
    let tolerance = fields.has("tolerance") ? fields.number("tolerance") : 1e-6
    let stores = readStores()
    let paper = readPaper()
    let baselines = readBaselines()
    let paperClassCount = fields.has("paper-classes") ? fields.integer("paper-classes") : nil
    if let paperClassCount, paperClassCount < 1 {
      fields.note("paper-classes", "found \(paperClassCount), expected 1 or more")
    }
    check(layers: layers, path: path, splitCount: splitCount, seed: seed, tolerance: tolerance)
    check(dropout: dropout, copies: copies)
    check(losses: losses, kind: kind, splitCount: splitCount)
    problems += fields.finish()
    guard problems.isEmpty, let name, let title, let design, let layers, let losses,
      let dropout, let copies, let normalization, let path, let splitCount, let seed, let tolerance
    else { return nil }
    return (
      EvaluationProtocol(
        name: name, title: title, design: design, layers: layers, losses: losses,
        dropout: dropout, dropoutLayers: dropoutLayers, dropoutCopies: copies,
        normalization: normalization,
        path: Set(path).sorted(), validation: validation,
        splitCount: splitCount, seed: UInt64(seed), tolerance: tolerance, paper: paper,
        baselines: baselines, paperClassCount: paperClassCount), stores
    )
  }

  private mutating func check(
    layers: [String]?, path: [Double]?, splitCount: Int?, seed: Int?, tolerance: Double?
  ) {
    if let layers, layers.isEmpty || Set(layers).count != layers.count {
      fields.note("layers", "expected one or more, each once")
    }
    if let path, path.isEmpty || !path.allSatisfy({ $0 > 0 && $0.isFinite }) {
      fields.note("C", "expected one or more positive numbers")
    }
    if let splitCount, !(1...10_000 ~= splitCount) {
      fields.note("splits", "found \(splitCount), expected 1…10000")
    }
    if let seed, seed < 0 { fields.note("seed", "found \(seed), expected 0 or more") }
    if let tolerance, !(tolerance > 0 && tolerance < 1) {
      fields.note("tolerance", "found \(tolerance), expected a number between 0 and 1")
    }
  }

  private mutating func check(dropout: [Double]?, copies: Int?) {
    if let dropout,
      dropout.isEmpty || Set(dropout).count != dropout.count
        || !dropout.allSatisfy({ $0 >= 0 && $0 < 1 })
    {
      fields.note("dropout", "expected one or more numbers from 0 to below 1, each once")
    }
    if let copies, !(1...Dropout.maximumCopies ~= copies) {
      fields.note("dropout-copies", "found \(copies), expected 1…\(Dropout.maximumCopies)")
    }
  }

  private mutating func check(losses: [Loss]?, kind: Kind?, splitCount: Int?) {
    if let losses, losses.isEmpty || Set(losses).count != losses.count {
      fields.note("losses", "expected one or more, each once")
    }
    if kind == .fixed, let splitCount, splitCount != 1 {
      fields.note("splits", "found \(splitCount), expected 1: the split is fixed")
    }
  }

  private mutating func readValidation(isNeeded: Bool) -> EvaluationProtocol.Validation? {
    guard isNeeded || fields.has("validation") else { return nil }
    var section = fields.section("validation")
    let rows = section.integer("rows")
    let of = section.integer("of")
    let fallback = section.number("fallback-C")
    if let rows, let of, !(rows >= 1 && rows < of && of < 1_000_000) {
      section.note("rows", "found \(rows) of \(of), expected at least 1 and fewer than all")
    }
    if let fallback, !(fallback > 0 && fallback.isFinite) {
      section.note("fallback-C", "found \(fallback), expected a positive number")
    }
    problems += section.finish()
    guard let rows, let of, let fallback else { return nil }
    return .init(rows: rows, of: of, fallback: fallback)
  }

  private mutating func readDesign(_ kind: Kind?) -> EvaluationProtocol.Design? {
    switch kind {
    case .fewShot: readFewShot().map { .fewShot($0) }
    case .fixed: .fixed
    case .adaptation: readAdaptation().map { .adaptation($0) }
    case nil: nil
    }
  }

  private mutating func readFewShot() -> EvaluationProtocol.FewShot? {
    guard let rows = fields.integers("training-rows") else { return nil }
    let most = rows.max() ?? 0
    if rows.isEmpty || !rows.allSatisfy({ $0 >= 1 && $0 < 1_000_000 }) {
      fields.note("training-rows", "expected one or more numbers, 1…999999")
    }
    let reserved = fields.has("reserved-rows") ? fields.integer("reserved-rows") : most
    if let reserved, reserved < most {
      fields.note("reserved-rows", "found \(reserved), expected at least \(most), to train on")
    }
    if let reserved, reserved > Self.mostRows {
      fields.note("reserved-rows", "found \(reserved), expected at most \(Self.mostRows)")
    }
    let test = fields.has("test-rows") ? fields.integer("test-rows") : nil
    if let test, !(1...Self.mostRows ~= test) {
      fields.note("test-rows", "found \(test), expected 1…\(Self.mostRows)")
    }
    return .init(
      trainingRows: Set(rows).sorted(), reservedRows: reserved ?? most, testRows: test)
  }

  private mutating func readAdaptation() -> EvaluationProtocol.Adaptation? {
    var section = fields.section("source-rows")
    var sourceRows: [String: Int] = [:]
    for domain in section.keys {
      guard let rows = section.integer(domain) else { continue }
      if !(1...Self.mostRows ~= rows) {
        section.note(domain, "found \(rows), expected 1…\(Self.mostRows)")
      }
      sourceRows[domain] = rows
    }
    problems += section.finish()
    let targetRows = fields.integer("target-rows")
    if let targetRows, !(1...Self.mostRows ~= targetRows) {
      fields.note("target-rows", "found \(targetRows), expected 1…\(Self.mostRows)")
    }
    let texts = fields.strings("pairs")
    var pairs: [DomainPair] = []
    for text in texts ?? [] {
      guard let pair = DomainPair(text) else {
        fields.note("pairs", "found “\(text)”, expected source→target")
        continue
      }
      if sourceRows[pair.source] == nil {
        fields.note("source-rows", "no number for “\(pair.source)”, the source of \(text)")
      }
      if pairs.contains(pair) { fields.note("pairs", "\(text) appears twice") }
      pairs.append(pair)
    }
    if texts?.isEmpty == true { fields.note("pairs", "expected one or more") }
    let methods = fields.choices("methods", of: AdaptationMethod.self)
    if let methods, methods.isEmpty || Set(methods).count != methods.count {
      fields.note("methods", "expected one or more, each once")
    }
    guard let targetRows, let methods else { return nil }
    return .init(sourceRows: sourceRows, targetRows: targetRows, pairs: pairs, methods: methods)
  }

  private mutating func readStores() -> [String: String] {
    guard fields.has("stores") else { return [:] }
    var section = fields.section("stores")
    var stores: [String: String] = [:]
    for role in section.keys { stores[role] = section.string(role) }
    problems += section.finish()
    return stores
  }

  private mutating func readPaper() -> [PublishedResult] {
    guard fields.has("paper") else { return [] }
    var results: [PublishedResult] = []
    for var item in fields.sections("paper") {
      let method = item.has("method") ? item.string("method") : nil
      let layer = item.string("layer")
      let loss = item.choice("loss", of: Loss.self)
      let dropout = item.has("dropout") ? item.number("dropout") : 0
      let number = readNumber(&item)
      problems += item.finish()
      if let layer, let loss, let dropout, let number {
        results.append(
          .init(
            method: method, layer: layer, loss: loss, dropout: dropout, group: number.group,
            column: number.column, accuracy: number.accuracy, deviation: number.deviation))
      }
    }
    return results
  }

  private mutating func readBaselines() -> [PublishedBaseline] {
    guard fields.has("baselines") else { return [] }
    var results: [PublishedBaseline] = []
    for var item in fields.sections("baselines") {
      let method = item.string("method")
      let number = readNumber(&item)
      problems += item.finish()
      if let method, let number {
        results.append(
          .init(
            method: method, group: number.group, column: number.column,
            accuracy: number.accuracy, deviation: number.deviation))
      }
    }
    return results
  }

  /// A published number and the column it stands in.
  private func readNumber(
    _ item: inout YAMLFields
  ) -> (group: String, column: String, accuracy: Double, deviation: Double?)? {
    let group = item.has("group") ? item.string("group") : ""
    let column = item.string("column")
    let accuracy = item.number("accuracy")
    let deviation = item.has("deviation") ? item.number("deviation") : nil
    for (key, value) in [("accuracy", accuracy), ("deviation", deviation)] {
      if let value, !(0...100 ~= value) { item.note(key, "found \(value), expected per cent") }
    }
    guard let group, let column, let accuracy else { return nil }
    return (group, column, accuracy, deviation)
  }
}
