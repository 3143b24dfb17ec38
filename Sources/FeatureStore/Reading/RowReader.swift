internal import Files
internal import Formats

/// Reads rows of a running job's files, a few megabytes at a time.
struct RowReader: Sendable {
  let folder: StoreFolder
  let layout: StoreLayout
  /// Why the reading should stop; nil while it should go on.
  let stopReason: @Sendable () -> String?

  private static let pieceByteCount = 1 << 22

  func open(layer: Int, shard: Int) throws(StoreError) -> PositionedFile {
    try reading { () throws(SystemError) in
      try PositionedFile(folder.path(of: layout.partialName(layer: layer, shard: shard)), .read)
    }
  }

  /// CRC-32C of rows that may lie in several shards.
  func checksum(of rows: Range<Int>, layer: Int) throws(StoreError) -> UInt32 {
    var checksum = CRC32C()
    try forEachPiece(of: rows, layer: layer) { checksum.update($0) }
    return checksum.value
  }

  /// Calls `body` with the bytes of rows that may lie in several shards.
  func forEachPiece(
    of rows: Range<Int>, layer: Int, _ body: ([UInt8]) -> Void
  ) throws(StoreError) {
    for (shard, part) in layout.pieces(of: rows) {
      let file = try open(layer: layer, shard: shard)
      try forEachPiece(of: part, layer: layer, shard: shard, file, body)
    }
  }

  /// Calls `body` with the bytes of rows, counted from the shard's first.
  ///
  /// - Throws: `cannotRead`, `stopped`.
  func forEachPiece(
    of rows: Range<Int>, layer: Int, shard: Int, _ file: PositionedFile, _ body: ([UInt8]) -> Void
  ) throws(StoreError) {
    let rowByteCount = layout.rowByteCount(layer: layer)
    var offset =
      layout.header(layer: layer, shard: shard).bytes.count + rows.lowerBound * rowByteCount
    var left = rows.count * rowByteCount
    while left > 0 {
      try folder.goOn(stopReason)
      let bytes = try reading { () throws(SystemError) in
        try file.read(min(left, Self.pieceByteCount), at: offset)
      }
      // Cut short behind our back: the checksum will not fit.
      if bytes.isEmpty { break }
      body(bytes)
      offset += bytes.count
      left -= bytes.count
    }
  }
}

extension StoreFolder {
  /// - Throws: `stopped` where there is a reason to.
  func goOn(_ stopReason: () -> String?) throws(StoreError) {
    if let reason = stopReason() { throw .stopped(path: path, reason: reason) }
  }
}
