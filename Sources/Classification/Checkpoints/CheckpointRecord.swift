internal import Communication
internal import FeatureStore
internal import Files
internal import Tensors

/// What a checkpoint holds, by name: integers, doubles, and matrices of floats.
///
/// Solvers fill it in at a point from which they can go on, and read it to do so.
package struct CheckpointRecord: Sendable, Equatable {
  package var counts: [String: [Int]] = [:]
  package var numbers: [String: [Double]] = [:]
  /// Rows of equal length.
  package var vectors: [String: [[Float]]] = [:]

  package init() {}

  package var isEmpty: Bool { counts.isEmpty && numbers.isEmpty && vectors.isEmpty }

  /// The entries of another record, their names after `prefix` and a dot.
  mutating func add(_ other: CheckpointRecord, as prefix: String) {
    for (name, values) in other.counts { counts["\(prefix).\(name)"] = values }
    for (name, values) in other.numbers { numbers["\(prefix).\(name)"] = values }
    for (name, values) in other.vectors { vectors["\(prefix).\(name)"] = values }
  }

  /// What `add` added with this prefix.
  func part(_ prefix: String) -> CheckpointRecord {
    func inner<T>(_ members: [String: T]) -> [String: T] {
      Dictionary(
        uniqueKeysWithValues: members.compactMap { name, values in
          name.hasPrefix("\(prefix).")
            ? (String(name.dropFirst(prefix.utf8.count + 1)), values) : nil
        })
    }
    var part = CheckpointRecord()
    part.counts = inner(counts)
    part.numbers = inner(numbers)
    part.vectors = inner(vectors)
    return part
  }

  // MARK: Reading

  /// Some entry that a solver needs is missing, or has another size.
  struct MissingEntry: Error {
    let name: String
  }

  func counts(_ name: String, _ count: Int? = nil) throws(MissingEntry) -> [Int] {
    guard let values = counts[name], values.count == count ?? values.count else {
      throw MissingEntry(name: name)
    }
    return values
  }

  func count(_ name: String) throws(MissingEntry) -> Int { try counts(name, 1)[0] }

  func numbers(_ name: String, _ count: Int? = nil) throws(MissingEntry) -> [Double] {
    guard let values = numbers[name], values.count == count ?? values.count else {
      throw MissingEntry(name: name)
    }
    return values
  }

  /// Rows of `length` numbers each.
  func vectors(_ name: String, length: Int) throws(MissingEntry) -> [[Float]] {
    guard let rows = vectors[name], rows.allSatisfy({ $0.count == length }) else {
      throw MissingEntry(name: name)
    }
    return rows
  }

  // MARK: Between ranks

  /// Gives every rank the root's record. Collective.
  mutating func broadcast(_ communicator: any Communicator) throws {
    if communicator.size == 1 { return }
    let names = [Array(counts.keys), Array(numbers.keys), Array(vectors.keys)].map { $0.sorted() }
    var list = Array(
      JSONValue.array(names.map { .array($0.map { .string($0) }) }).compactText.utf8)
    try communicator.broadcast(&list, root: 0)
    let all = try JSONValue(parsing: list).decoded([[String]].self)
    func share<T: BitwiseCopyable & Numeric>(_ values: [T]) throws -> [T] {
      var bytes = NumberBytes.bytes(values)
      try communicator.broadcast(&bytes, root: 0)
      return NumberBytes.numbers(bytes)
    }
    for name in all[0] { counts[name] = try share(counts[name] ?? []) }
    for name in all[1] { numbers[name] = try share(numbers[name] ?? []) }
    for name in all[2] {
      let rows = vectors[name] ?? []
      let count = try share([rows.count])[0]
      vectors[name] = try (0..<count).map { try share(rows.indices.contains($0) ? rows[$0] : []) }
    }
  }
}
