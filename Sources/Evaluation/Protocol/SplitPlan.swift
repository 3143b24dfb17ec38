internal import FeatureStore
internal import Files
internal import Images

/// A column of the result: a way to choose training rows.
struct Column: Hashable, Sendable, Codable {
  /// Columns of one group make a table: a pair of domains; empty where there is one table.
  let group: String
  let name: String
}

/// Which rows of the stores are trained on and which tested, in every split of a protocol.
struct SplitPlan: Sendable {
  let evaluation: EvaluationProtocol
  let stores: [String: Store]
  let classes: [ByteString]
  let columns: [Column]
  /// Pairs of domains whose stores are there; empty but for adaptation.
  let pairs: [DomainPair]
  /// The stores that take part.
  let roles: [String]

  /// - Throws: `EvaluationError.unusableStores`, with every problem at once.
  init(_ evaluation: EvaluationProtocol, stores: [String: Store]) throws(EvaluationError) {
    let (pairs, misnamed) = Self.pairs(evaluation, stores)
    if !misnamed.isEmpty { throw .unusableStores(problems: misnamed) }
    let roles = evaluation.roles.filter { role in
      pairs.isEmpty || pairs.contains { $0.source == role || $0.target == role }
    }
    let classes = Self.classes(of: stores[roles[0]]!)
    var problems = Self.classProblems(classes, roles, stores, evaluation.design)
    for role in roles {
      let order = RowOrder(
        stores[role]!, classes: classes, domain: role, seed: evaluation.seed, split: 0)
      problems += Self.shortages(order, classes, role, evaluation.design, pairs)
    }
    if !problems.isEmpty { throw .unusableStores(problems: problems) }
    self.evaluation = evaluation
    self.stores = stores.filter { roles.contains($0.key) }
    self.classes = classes
    self.pairs = pairs
    self.roles = roles
    columns = Self.columns(evaluation.design, pairs)
  }

  /// The pairs of domains whose stores are there, and what is wrong with the stores' names.
  private static func pairs(
    _ evaluation: EvaluationProtocol, _ stores: [String: Store]
  ) -> (pairs: [DomainPair], problems: [String]) {
    var problems: [String] = []
    var pairs: [DomainPair] = []
    for role in stores.keys.sorted() where !evaluation.roles.contains(role) {
      problems.append(
        "no store “\(role)” in protocol \(evaluation.name); expected "
          + evaluation.roles.joined(separator: ", "))
    }
    if case .adaptation(let adaptation) = evaluation.design {
      pairs = adaptation.pairs.filter { stores[$0.source] != nil && stores[$0.target] != nil }
      if pairs.isEmpty {
        problems.append(
          "no pair of domains has both its stores; give --store NAME=PATH for both of one of "
            + adaptation.pairs.map(\.description).joined(separator: ", "))
      }
    } else {
      for role in evaluation.roles where stores[role] == nil {
        problems.append("no store “\(role)”; give --store \(role)=PATH")
      }
    }
    return (pairs, problems)
  }

  /// Where the classes of other stores differ from those of the first, or are too few.
  private static func classProblems(
    _ classes: [ByteString], _ roles: [String], _ stores: [String: Store],
    _ design: EvaluationProtocol.Design
  ) -> [String] {
    var problems: [String] = []
    for role in roles.dropFirst() {
      let others = Self.classes(of: stores[role]!)
      // Test rows of the fixed design may lack some classes.
      let missing = design == .fixed ? [] : classes.filter { !others.contains($0) }
      let extra = others.filter { !classes.contains($0) }
      for (names, place) in [(missing, "only in \(roles[0])"), (extra, "only in \(role)")]
      where !names.isEmpty {
        problems.append(
          "\(place): classes "
            + names.prefix(5).map { "“\($0)”" }.joined(separator: ", ")
            + (names.count > 5 ? " and \(names.count - 5) more" : ""))
      }
    }
    if classes.count < 2 {
      problems.append("\(stores[roles[0]]!.path) has rows of \(classes.count) classes, expected 2")
    }
    return problems
  }

  /// The classes that have usable rows, in the store's order.
  private static func classes(of store: Store) -> [ByteString] {
    var hasRows = [Bool](repeating: false, count: store.classes.count)
    for row in 0..<store.rowCount where store.status(row) == .ok {
      if let label = store.labelIndex(row) { hasRows[label] = true }
    }
    return zip(store.classes, hasRows).filter(\.1).map(\.0)
  }

  private static func columns(
    _ design: EvaluationProtocol.Design, _ pairs: [DomainPair]
  ) -> [Column] {
    switch design {
    case .fewShot(let fewShot): fewShot.trainingRows.map { Column(group: "", name: "\($0)") }
    case .fixed: [Column(group: "", name: "test")]
    case .adaptation(let adaptation):
      pairs.flatMap { pair in
        adaptation.methods.map { Column(group: pair.description, name: $0.rawValue) }
      }
    }
  }

  /// Classes with fewer rows than the protocol takes from the store.
  private static func shortages(
    _ order: RowOrder, _ classes: [ByteString], _ role: String,
    _ design: EvaluationProtocol.Design, _ pairs: [DomainPair]
  ) -> [String] {
    let needed: Int
    switch design {
    case .fixed: return []
    case .fewShot(let fewShot): needed = fewShot.reservedRows + 1
    case .adaptation(let adaptation):
      let asSource = pairs.contains { $0.source == role } ? adaptation.sourceRows[role]! : 0
      let asTarget = pairs.contains { $0.target == role } ? adaptation.targetRows + 1 : 0
      needed = max(asSource, asTarget)
    }
    let short = zip(classes, order.rows).filter { $1.count < needed }
    if short.isEmpty { return [] }
    let named = short.prefix(5).map { "“\($0)” has \($1.count)" }.joined(separator: ", ")
    return [
      "store \(role): expected \(needed) or more usable rows in every class, but \(named)"
        + (short.count > 5 ? " and \(short.count - 5) more have too few" : "")
    ]
  }
}
