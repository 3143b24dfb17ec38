internal import Foundation

extension Communicator {
  /// The values of all ranks, in rank order, on every rank; nil for one that sent something else, as
  /// another version of this program would.
  ///
  /// Collective: every rank must call this, in the same order.
  package func exchange<Value: Codable>(_ value: Value) throws -> [Value?] {
    // JSON as this encoder writes it has no line feeds.
    let parts = try gather([UInt8](try JSONEncoder().encode(value)), root: 0)
    var all = Array(parts.joined(separator: [10]))
    try broadcast(&all, root: 0)
    return all.split(separator: 10, omittingEmptySubsequences: false).map {
      try? JSONDecoder().decode(Value.self, from: Data($0))
    }
  }

  /// Rank 0's value, on every rank.
  ///
  /// Collective: every rank must call this, in the same order.
  ///
  /// - Parameter value: not nil on rank 0; what others pass is ignored.
  /// - Throws: `DecodingError` where rank 0 runs another version of this program.
  package func shared<Value: Codable>(_ value: Value?) throws -> Value {
    var bytes = isRoot ? [UInt8](try JSONEncoder().encode(value!)) : []
    try broadcast(&bytes, root: 0)
    return try JSONDecoder().decode(Value.self, from: Data(bytes))
  }
}
