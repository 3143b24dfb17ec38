internal import Formats
internal import Tensors

/// Which file of a store holds which rows, by what name and at which offset.
struct StoreLayout: Sendable {
  let rowCount: Int
  let layers: [LayerSpec]
  let elementType: ElementType
  let rowsPerShard: Int
  let shardCount: Int

  static let manifest = "store.json"
  static let journal = "journal"
  static let lock = "lock"
  static let rows = "rows.tsv"
  static let runs = "runs"
  /// Appended to names of files that are not finished.
  static let partial = ".partial"

  init(_ provenance: Provenance) {
    rowCount = provenance.list.rows
    layers = provenance.layers
    elementType = provenance.dtype
    rowsPerShard = provenance.rowsPerShard ?? max(rowCount, 1)
    shardCount = max(1, rowCount / rowsPerShard + (rowCount % rowsPerShard == 0 ? 0 : 1))
  }

  /// The rows of the list that shard `shard` of every layer holds.
  func rows(ofShard shard: Int) -> Range<Int> {
    min(shard * rowsPerShard, rowCount)..<min((shard + 1) * rowsPerShard, rowCount)
  }

  /// `fc6.npy`, or `fc6-00000-of-00012.npy` when there are several.
  func name(layer: Int, shard: Int) -> String {
    let stem = layers[layer].fileStem
    return shardCount == 1
      ? "\(stem).npy" : "\(stem)-\(Self.digits(shard))-of-\(Self.digits(shardCount)).npy"
  }

  /// The name while the job runs.
  func partialName(layer: Int, shard: Int) -> String {
    name(layer: layer, shard: shard) + Self.partial
  }

  /// Whether a file of this name, finished or not, holds rows of this store.
  ///
  /// By looking at the name: the identity that a damaged store claims may have any number of shards.
  func isRowFile(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    let partial = Array(Self.partial.utf8)
    let name =
      bytes.suffix(partial.count).elementsEqual(partial)
      ? Array(bytes.dropLast(partial.count)) : bytes
    return layers.indices.contains { layer in
      if name.elementsEqual(self.name(layer: layer, shard: 0).utf8) { return true }
      guard let shard = shard(of: name, layer: layer), shard < shardCount else { return false }
      return name.elementsEqual(self.name(layer: layer, shard: shard).utf8)
    }
  }

  /// The number after the layer's stem and a dash.
  private func shard(of name: [UInt8], layer: Int) -> Int? {
    let start = Array("\(layers[layer].fileStem)-".utf8)
    guard shardCount > 1, name.starts(with: start) else { return nil }
    let digits = name.dropFirst(start.count).prefix { $0 != UInt8(ascii: "-") }
    return Int(String(decoding: digits, as: UTF8.self)).flatMap { $0 >= 0 ? $0 : nil }
  }

  /// Every layer and shard, layer by layer.
  var shards: [(layer: Int, shard: Int)] {
    layers.indices.flatMap { layer in (0..<shardCount).map { (layer, $0) } }
  }

  func header(layer: Int, shard: Int) -> NPYHeader {
    NPYHeader(
      elementType: elementType, shape: [rows(ofShard: shard).count] + layers[layer].rowShape)
  }

  /// Bytes of one row of the layer.
  func rowByteCount(layer: Int) -> Int { layers[layer].width * elementType.byteCount }

  /// `range` cut where shards end: the shard, and the rows counted from its first.
  func pieces(of range: Range<Int>) -> [(shard: Int, rows: Range<Int>)] {
    precondition(range.lowerBound >= 0 && range.upperBound <= rowCount, "rows beyond the list")
    var pieces = [(shard: Int, rows: Range<Int>)]()
    var row = range.lowerBound
    while row < range.upperBound {
      let shard = row / rowsPerShard
      let end = min(range.upperBound, (shard + 1) * rowsPerShard)
      pieces.append((shard, row - shard * rowsPerShard..<end - shard * rowsPerShard))
      row = end
    }
    return pieces
  }

  private static func digits(_ number: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, 5 - text.utf8.count)) + text
  }
}
