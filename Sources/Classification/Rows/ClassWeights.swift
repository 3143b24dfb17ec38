package import Files

/// How much the losses of a class's rows count; a row's weight is its own times its class's.
package enum ClassWeights: Sendable, Equatable {
  /// 1 for every class.
  case equal
  /// `N / (K·n_k)` for a class with n_k of the N training rows: every class counts as much.
  case balanced
  /// By the class's name, byte by byte; 1 for classes that are not named.
  case named([ByteString: Double])

  /// The weights of the classes that have rows.
  ///
  /// - Parameter counts: training rows of each class, weights left aside.
  func values(names: [String], counts: [Int]) -> [Double] {
    switch self {
    case .equal: return counts.map { _ in 1 }
    case .balanced:
      let total = Double(counts.reduce(0, +))
      return counts.map { total / (Double(counts.count) * Double($0)) }
    case .named(let weights): return names.map { weights[ByteString($0)] ?? 1 }
    }
  }
}
