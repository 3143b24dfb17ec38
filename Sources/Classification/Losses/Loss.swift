/// What a linear classifier pays for its logits `f = W·x + b`, chosen by name.
///
/// To add one, write its `LossFunction` in a file of its own here, which ends with a constant like
/// `Loss.softmax`, and name that constant in `allCases`. Commands, files, solvers and certificates
/// take it from there.
package struct Loss: RawRepresentable, CaseIterable, Hashable, Codable, Sendable {
  /// Every loss, in the order that help shows them.
  package static let allCases: [Loss] = [.softmax, .logistic, .squaredHinge]

  let function: any LossFunction

  init(_ function: any LossFunction) { self.function = function }

  /// - Returns: nil for a name that no loss has.
  package init?(rawValue: String) {
    guard let known = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = known
  }

  /// The name, on the command line and in files.
  package var rawValue: String { function.name }

  /// Whether the classes are problems of their own.
  var isSeparable: Bool { function.isSeparable }

  package static func == (a: Loss, b: Loss) -> Bool { a.rawValue == b.rawValue }

  package func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}

extension Loss {
  /// A line for each loss, name and formula, as help shows them.
  package static var table: String {
    allCases.map { loss in
      let gap = String(repeating: " ", count: max(1, 16 - loss.rawValue.count))
      return "  \(loss.rawValue)\(gap)\(loss.function.formula)"
    }.joined(separator: "\n")
  }
}
