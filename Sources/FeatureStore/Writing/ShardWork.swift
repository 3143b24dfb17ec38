package import Files
internal import Formats
internal import Tensors

/// The last look at a job's files, cut into shards: whoever sees the folder can take some of them.
///
/// SHA-256 is one chain through a file, so a shard is the smallest part.
package struct ShardWork: Sendable {
  private let reader: ShardReader
  private let shards: [(layer: Int, shard: Int)]

  /// Shards of all layers, layer by layer.
  package var count: Int { shards.count }

  init(_ rows: RowReader, _ segments: [RecordedSegment]) {
    reader = ShardReader(rows: rows, segments: segments)
    shards = rows.layout.shards
  }

  /// The same work, as another process of the job sees it.
  ///
  /// - Parameters:
  ///   - bytes: what `encoded` made of it.
  ///   - stopReason: why the reading should stop; nil while it should go on.
  /// - Throws: `ProblemError` for other bytes.
  package init(
    _ path: String, provenance: Provenance, decoding bytes: [UInt8],
    stopReason: @escaping @Sendable () -> String?
  ) throws(ProblemError) {
    let layout = StoreLayout(provenance)
    self.init(
      RowReader(folder: StoreFolder(path), layout: layout, stopReason: stopReason),
      try RecordedSegment.decoded(bytes, layers: layout.layers.count))
  }

  /// The rows as they were recorded, in bytes: a few for each batch of the job.
  package var encoded: [UInt8] {
    RecordedSegment.encoded(reader.segments, layers: reader.layout.layers.count)
  }

  /// Reads a shard, hashes it and checks its rows against the journal's checksums.
  ///
  /// - Throws: `cannotRead`, `stopped`.
  package func check(_ index: Int) throws(StoreError) -> ShardCheck {
    try reader.check(layer: shards[index].layer, shard: shards[index].shard).get()
  }

  /// All shards, side by side.
  func checkAll(_ team: ThreadTeam) throws(StoreError) -> [ShardCheck] {
    let results = team.map(count) { index, _ in
      Result { () throws(StoreError) in try check(index) }
    }
    var checks: [ShardCheck] = []
    for result in results { checks.append(try result.get()) }
    return checks
  }

  /// The shards of each of `size` ranks: about equally many bytes.
  package func shares(size: Int) -> [[Int]] {
    let byteCounts = shards.map {
      reader.layout.header(layer: $0.layer, shard: $0.shard).fileByteCount
    }
    var shares = [[Int]](repeating: [], count: size)
    var loads = [Int](repeating: 0, count: size)
    // The largest first, each to the rank that has least: the lowest of several, so that all agree.
    for index in byteCounts.indices.sorted(by: {
      (byteCounts[$0], $1) > (byteCounts[$1], $0)
    }) {
      let rank = loads.indices.min { loads[$0] < loads[$1] }!
      shares[rank].append(index)
      loads[rank] += byteCounts[index]
    }
    return shares
  }
}

extension RecordedSegment {
  /// Rows as two numbers of 8 bytes, then the checksums of 4 and whether there are any; little-endian.
  fileprivate static func encoded(_ segments: [Self], layers: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(segments.count * byteCount(layers: layers))
    func append(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    for segment in segments {
      append(Int64(segment.rows.lowerBound))
      append(Int64(segment.rows.upperBound))
      append(UInt32(segment.checksums == nil ? 0 : 1))
      for layer in 0..<layers { append(segment.checksums?[layer] ?? 0) }
    }
    return bytes
  }

  fileprivate static func decoded(
    _ bytes: [UInt8], layers: Int
  ) throws(ProblemError) -> [Self] {
    let size = byteCount(layers: layers)
    guard bytes.count.isMultiple(of: size) else {
      throw ProblemError("the record of rows ends early; do all ranks run the same decaf?")
    }
    func number(_ start: Int, _ count: Int) -> UInt64 {
      bytes[start..<start + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    var segments: [Self] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      let bounds = (number(start, 8), number(start + 8, 8))
      guard bounds.0 <= bounds.1, bounds.1 <= UInt64(Int.max) else {
        throw ProblemError("the record of rows makes no sense; do all ranks run the same decaf?")
      }
      let checksums = (0..<layers).map { UInt32(number(start + 20 + 4 * $0, 4)) }
      segments.append(
        RecordedSegment(
          rows: Int(bounds.0)..<Int(bounds.1),
          checksums: number(start + 16, 4) == 0 ? nil : checksums, overflowCount: 0))
    }
    return segments
  }

  private static func byteCount(layers: Int) -> Int { 20 + 4 * layers }
}
