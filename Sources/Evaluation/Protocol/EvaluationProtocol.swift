package import Classification

/// What `decaf evaluate` repeats: data splits, ways to train, and published results to compare with.
package struct EvaluationProtocol: Sendable, Equatable {
  /// A short name, for files; and one for people.
  package var name: String
  package var title: String
  package var design: Design
  /// Layers to try, those the stores have.
  package var layers: [String]
  package var losses: [Loss]
  /// Probabilities of features to be dropped in training, tried with each loss; 0 for none.
  package var dropout: [Double]
  /// The layers that features are dropped of; nil for all.
  package var dropoutLayers: [String]?
  /// Noised copies of each row where features are dropped.
  package var dropoutCopies: Int
  package var normalization: RowNormalization
  /// The values of C that are tried, ascending.
  package var path: [Double]
  /// How C is chosen; nil when there is one.
  package var validation: Validation?
  /// Random splits of the data; 1 for a fixed one.
  package var splitCount: Int
  package var seed: UInt64
  package var tolerance: Double
  package var paper: [PublishedResult]
  /// Published numbers of what is not tried here.
  package var baselines: [PublishedBaseline]
  /// The classes that the published results are for; nil when unknown.
  package var paperClassCount: Int?

  /// Where training and test rows come from.
  package enum Design: Sendable, Equatable {
    /// One store; some rows of each class to train on, others to test on.
    case fewShot(FewShot)
    /// A store to train on and one to test on.
    case fixed
    /// Stores of several domains: trained on one, with or without some rows of another, and tested
    /// on the rest of that.
    case adaptation(Adaptation)
  }

  package struct FewShot: Sendable, Equatable {
    /// Training rows of each class, ascending: a point of the learning curve each.
    package var trainingRows: [Int]
    /// Rows of each class that are never tested on; at least the most training rows.
    package var reservedRows: Int
    /// Rows of each class to test on; nil for all that are left.
    package var testRows: Int?
  }

  package struct Adaptation: Sendable, Equatable {
    /// Training rows of each class by domain, where it is the source.
    package var sourceRows: [String: Int]
    /// Training rows of each class of the target.
    package var targetRows: Int
    package var pairs: [DomainPair]
    package var methods: [AdaptationMethod]
  }

  /// Of `of` training rows of a class, `rows` are held out to choose C on; in proportion of others.
  package struct Validation: Sendable, Equatable {
    package var rows: Int
    package var of: Int
    /// C where a class has one training row, so that none can be held out.
    package var fallback: Double

    /// Rows held out of so many training rows of a class: rounded half up; of two or more at least
    /// one, and never all.
    package func heldOut(of count: Int) -> Int {
      if count < 2 { return 0 }
      return min(count - 1, max(1, (2 * count * rows + of) / (2 * of)))
    }
  }

  /// The ways to train on a layer.
  func methods(layer: String) -> [Method] {
    let dropout = dropoutLayers?.contains(layer) ?? true ? dropout : [0]
    return losses.flatMap { loss in
      dropout.map { Method(layer: layer, loss: loss, dropout: $0) }
    }
  }

  /// The stores it needs, by the names that `--store` gives them.
  package var roles: [String] {
    switch design {
    case .fewShot: ["images"]
    case .fixed: ["train", "test"]
    case .adaptation(let adaptation):
      adaptation.pairs.flatMap { [$0.source, $0.target] }.reduce(into: []) {
        if !$0.contains($1) { $0.append($1) }
      }
    }
  }
}

/// From which domain to which a classifier is carried.
package struct DomainPair: Sendable, Hashable {
  package let source: String
  package let target: String

  static let arrow = "→"

  package init(source: String, target: String) {
    self.source = source
    self.target = target
  }

  /// `source→target`; nil for other texts.
  init?(_ text: String) {
    let parts = text.components(separatedBy: Self.arrow)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), parts[0] != parts[1] else {
      return nil
    }
    self.init(source: parts[0], target: parts[1])
  }

  package var description: String { source + Self.arrow + target }
}

extension String {
  /// The parts between occurrences of `separator`.
  fileprivate func components(separatedBy separator: String) -> [String] {
    split(separator: separator, omittingEmptySubsequences: false).map(String.init)
  }
}

/// What a classifier for the target domain is trained on.
package enum AdaptationMethod: String, Sendable, CaseIterable {
  /// Rows of the source.
  case source = "S"
  /// A few rows of the target.
  case target = "T"
  case both = "ST"
  /// Both, with the features once for all domains and once for each: `(x, x, 0)` for rows of the
  /// source, `(x, 0, x)` for those of the target (Daumé III, “Frustratingly easy domain adaptation”,
  /// 2007).
  case augmented = "Daumé"
}

/// A published number of something that is not tried here: another feature, another author's method.
package struct PublishedBaseline: Sendable, Equatable {
  /// What it is called there: `SURF SVM`, `Yang et al. 2009`.
  package var method: String
  package var group: String
  package var column: String
  /// Per cent.
  package var accuracy: Double
  package var deviation: Double?
}

/// A number of the paper.
package struct PublishedResult: Sendable, Equatable {
  /// What the paper calls the method: `SVM dropout`; nil where nobody said.
  package var method: String?
  package var layer: String
  package var loss: Loss
  package var dropout: Double
  package var group: String
  package var column: String
  /// Per cent.
  package var accuracy: Double
  package var deviation: Double?
}
