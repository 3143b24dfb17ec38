internal import Files
internal import Formats
internal import Tensors

/// What reading a whole shard gave.
package struct ShardCheck: Codable, Sendable {
  /// SHA-256 of the file, in hexadecimal.
  let digest: String
  /// Indices of the segments that begin in the shard and whose bytes do not have their checksum.
  let damagedSegments: [Int]
}

/// Reads the files of a job that is about to complete, once, for both kinds of checks.
///
/// A shard is the unit of work: SHA-256 is one chain through its file, and shards are independent, so
/// threads take one each and hold one piece of it in memory.
struct ShardReader: Sendable {
  let rows: RowReader
  /// All rows in order, without gaps.
  let segments: [RecordedSegment]

  var layout: StoreLayout { rows.layout }

  /// Hashes a shard of the layer and checks the segments that begin in it.
  func check(layer: Int, shard: Int) -> Result<ShardCheck, StoreError> {
    Result { () throws(StoreError) in try read(layer: layer, shard: shard) }
  }

  private func read(layer: Int, shard: Int) throws(StoreError) -> ShardCheck {
    let file = try rows.open(layer: layer, shard: shard)
    let shardRows = layout.rows(ofShard: shard)
    var hasher = SHA256Digest.Hasher()
    let header = layout.header(layer: layer, shard: shard)
    hasher.update(
      try reading { () throws(SystemError) in try file.read(header.bytes.count, at: 0) })
    var damaged = [Int]()
    for index in firstSegment(endingAfter: shardRows.lowerBound)..<segments.count {
      let segment = segments[index]
      let part = segment.rows.clamped(to: shardRows)
      if part.isEmpty { break }
      var checksum = CRC32C()
      let first = part.lowerBound - shardRows.lowerBound
      try rows.forEachPiece(of: first..<first + part.count, layer: layer, shard: shard, file) {
        hasher.update($0)
        checksum.update($0)
      }
      guard segment.rows.lowerBound >= shardRows.lowerBound,
        let expected = segment.checksums?[layer]
      else { continue }
      // A batch that goes on in the next shard has one checksum for both: read once more, by one
      // thread. There is at most one such batch at a shard's end, and it is small.
      let found =
        part == segment.rows
        ? checksum.value : try rows.checksum(of: segment.rows, layer: layer)
      if found != expected { damaged.append(index) }
    }
    return ShardCheck(digest: hasher.finalize().hexadecimal, damagedSegments: damaged)
  }

  /// The index of the segment that holds `row`; by halving, as there may be a million of each.
  private func firstSegment(endingAfter row: Int) -> Int {
    var (low, high) = (0, segments.count)
    while low < high {
      let middle = (low + high) / 2
      if segments[middle].rows.upperBound > row { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
