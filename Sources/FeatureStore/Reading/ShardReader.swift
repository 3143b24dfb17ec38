internal import Files
internal import Formats
internal import Synchronization
internal import Tensors

/// Consecutive rows with one checksum a layer, or with none known.
struct RecordedSegment: Sendable {
  let rows: Range<Int>
  let checksums: [UInt32]?
  let overflowCount: Int
}

/// What reading a whole layer gave.
struct LayerCheck: Sendable {
  /// SHA-256 of each shard.
  var digests: [SHA256Digest] = []
  /// Indices of the segments whose bytes do not have their checksum.
  var damagedSegments: [Int] = []
}

/// Reads the files of a job that is about to complete, once, for both kinds of checks.
struct ShardReader: Sendable {
  let folder: StoreFolder
  let layout: StoreLayout

  private static let pieceByteCount = 1 << 22

  /// Hashes every shard of the layer and checks the segments, which cover all rows in order.
  func check(layer: Int, _ segments: [RecordedSegment]) -> Result<LayerCheck, FeaturesError> {
    Result { () throws(FeaturesError) in
      try reading { () throws(SystemError) in try read(layer: layer, segments) }
    }
  }

  private func read(layer: Int, _ segments: [RecordedSegment]) throws(SystemError) -> LayerCheck {
    var check = LayerCheck()
    var current: (shard: Int, file: PositionedFile, hasher: SHA256Digest.Hasher)?
    /// Ends the shard at hand, if any, and begins the next.
    func begin(_ shard: Int) throws(SystemError) {
      if let current { check.digests.append(current.hasher.finalize()) }
      let name = layout.partialName(layer: layer, shard: shard)
      let file = try PositionedFile(folder.path(of: name), .read)
      var hasher = SHA256Digest.Hasher()
      hasher.update(try file.read(layout.header(layer: layer, shard: shard).bytes.count, at: 0))
      current = (shard, file, hasher)
    }
    try begin(0)
    let rowByteCount = layout.rowByteCount(layer: layer)
    for (index, segment) in segments.enumerated() {
      var checksum = CRC32C()
      for (shard, rows) in layout.pieces(of: segment.rows) {
        if shard != current!.shard { try begin(shard) }
        var offset =
          layout.header(layer: layer, shard: shard).bytes.count + rows.lowerBound * rowByteCount
        var left = rows.count * rowByteCount
        while left > 0 {
          let bytes = try current!.file.read(min(left, Self.pieceByteCount), at: offset)
          // Cut short behind our back: the checksum will not fit.
          if bytes.isEmpty { break }
          current!.hasher.update(bytes)
          checksum.update(bytes)
          offset += bytes.count
          left -= bytes.count
        }
      }
      if let expected = segment.checksums, checksum.value != expected[layer] {
        check.damagedSegments.append(index)
      }
    }
    check.digests.append(current!.hasher.finalize())
    return check
  }
}

/// Results of several threads, one slot for each layer.
final class LayerChecks: Sendable {
  private let slots: Mutex<[Result<LayerCheck, FeaturesError>?]>

  init(count: Int) {
    slots = Mutex(Array(repeating: nil, count: count))
  }

  func set(_ layer: Int, _ result: Result<LayerCheck, FeaturesError>) {
    slots.withLock { $0[layer] = result }
  }

  /// All slots, which must be filled.
  var results: [Result<LayerCheck, FeaturesError>] { slots.withLock { $0.map { $0! } } }
}
