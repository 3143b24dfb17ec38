internal import Files
internal import Formats

/// Reads rows of a running job's files, a few megabytes at a time.
struct RowReader: Sendable {
  let folder: StoreFolder
  let layout: StoreLayout

  private static let pieceByteCount = 1 << 22

  func open(layer: Int, shard: Int) throws(SystemError) -> PositionedFile {
    try PositionedFile(folder.path(of: layout.partialName(layer: layer, shard: shard)), .read)
  }

  /// CRC-32C of rows that may lie in several shards.
  func checksum(of rows: Range<Int>, layer: Int) throws(SystemError) -> UInt32 {
    var checksum = CRC32C()
    try forEachPiece(of: rows, layer: layer) { checksum.update($0) }
    return checksum.value
  }

  /// Calls `body` with the bytes of rows that may lie in several shards.
  func forEachPiece(
    of rows: Range<Int>, layer: Int, _ body: ([UInt8]) -> Void
  ) throws(SystemError) {
    for (shard, part) in layout.pieces(of: rows) {
      let file = try open(layer: layer, shard: shard)
      try forEachPiece(of: part, layer: layer, shard: shard, file, body)
    }
  }

  /// Calls `body` with the bytes of rows, counted from the shard's first.
  func forEachPiece(
    of rows: Range<Int>, layer: Int, shard: Int, _ file: PositionedFile, _ body: ([UInt8]) -> Void
  ) throws(SystemError) {
    let rowByteCount = layout.rowByteCount(layer: layer)
    var offset =
      layout.header(layer: layer, shard: shard).bytes.count + rows.lowerBound * rowByteCount
    var left = rows.count * rowByteCount
    while left > 0 {
      let bytes = try file.read(min(left, Self.pieceByteCount), at: offset)
      // Cut short behind our back: the checksum will not fit.
      if bytes.isEmpty { break }
      body(bytes)
      offset += bytes.count
      left -= bytes.count
    }
  }
}
