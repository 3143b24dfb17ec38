internal import Foundation

extension Communicator {
  /// The bytes of all ranks, in rank order, on every rank.
  ///
  /// Collective: every rank must call this, in the same order.
  package func gatherAll(_ bytes: [UInt8]) throws -> [[UInt8]] {
    if size == 1 { return [bytes] }
    let parts = try gather(bytes, root: 0)
    // Lengths of 8 bytes each, the lowest first; then the parts themselves.
    var lengths = parts.flatMap { part in
      (0..<8).map { UInt8(truncatingIfNeeded: part.count >> (8 * $0)) }
    }
    try broadcast(&lengths, root: 0)
    var whole = Array(parts.joined())
    try broadcast(&whole, root: 0)
    var start = 0
    return (0..<size).map { rank in
      let length = (0..<8).reduce(0) { $0 | Int(lengths[8 * rank + $1]) << (8 * $1) }
      defer { start += length }
      return Array(whole[start..<start + length])
    }
  }

  /// The values of all ranks, in rank order, on every rank; nil for one that sent something else, as
  /// another version of this program would.
  ///
  /// Collective: every rank must call this, in the same order.
  package func exchange<Value: Codable>(_ value: Value) throws -> [Value?] {
    try gatherAll([UInt8](try JSONEncoder().encode(value))).map {
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
