internal import FeatureStore
internal import Files
internal import Tensors

/// The usable rows of a store by class, each class in an order drawn by a seed: splits take rows
/// from the front.
struct RowOrder: Sendable {
  /// For each class, its rows in the order drawn.
  let rows: [[Int]]

  /// - Parameters:
  ///   - classes: whose rows are wanted; a row of another class, without a label, or failed takes
  ///     no part.
  ///   - domain: the name of the store in the protocol. The order depends on the seed, the split,
  ///     this name, the class's name and the rows' numbers alone.
  init(_ store: Store, classes: [ByteString], domain: String, seed: UInt64, split: Int) {
    let position = Dictionary(uniqueKeysWithValues: zip(classes, classes.indices))
    var rows = [[Int]](repeating: [], count: classes.count)
    let map = store.classes.map { position[$0] }
    for row in 0..<store.rowCount where store.status(row) == .ok {
      if let label = store.labelIndex(row), let k = map[label] { rows[k].append(row) }
    }
    for k in classes.indices {
      var generator = SeededGenerator(
        seed: seed, stream: Self.stream(split, domain, classes[k]))
      Self.shuffle(&rows[k], &generator)
    }
    self.rows = rows
  }

  /// Fisher and Yates's shuffle, written out since the library's may change between versions.
  private static func shuffle(_ rows: inout [Int], _ generator: inout SeededGenerator) {
    if rows.count < 2 { return }
    for last in stride(from: rows.count - 1, to: 0, by: -1) {
      // The bias of the remainder is below 2⁻⁴⁰ for stores of millions of rows.
      rows.swapAt(last, Int(generator.next() % UInt64(last + 1)))
    }
  }

  /// FNV-1a of what tells this order from others.
  ///
  /// A stream for each class of each store: one more class or store leaves the order of all others
  /// as it was, and so do rows of other classes.
  private static func stream(_ split: Int, _ domain: String, _ name: ByteString) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in Array("\(split)/\(domain)/".utf8) + name.bytes {
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    return hash
  }
}
