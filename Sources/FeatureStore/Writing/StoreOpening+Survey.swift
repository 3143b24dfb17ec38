internal import Files
internal import Formats
internal import Images
internal import Tensors

/// A last look at a complete store whose manifest is about to go.
extension StoreOpening {
  /// What the files of a complete store still hold.
  struct Survey {
    /// Batches of rows whose bytes are the manifest's in every layer.
    var intact: [FinishedRows]
    /// Files whose values do not have the manifest's digest, or that are not there.
    var lostFiles: [String]
  }

  /// Reads all files: the manifest that vouches for them is about to go, and what is damaged now, or from
  /// now on, must not be vouched for by the next one. So each block of rows gets checksums of its own.
  ///
  /// A header is no matter: it is known, and put in place again.
  func survey(_ manifest: StoreManifest) throws(StoreError) -> Survey {
    let layout = StoreLayout(provenance)
    let exceptions = try exceptions(manifest)
    var nextException = exceptions.startIndex
    var survey = Survey(intact: [], lostFiles: [])
    for shard in 0..<layout.shardCount {
      let blocks = Self.blocks(of: layout.rows(ofShard: shard))
      var sums = [[RowSum]](repeating: [], count: layout.layers.count)
      var isIntact = true
      for layer in layout.layers.indices {
        let (digest, found) = try read(layer: layer, shard: shard, blocks, layout)
        sums[layer] = found
        if digest?.hexadecimal == manifest.layers[layer].shards[shard].sha256 { continue }
        isIntact = false
        survey.lostFiles.append(layout.name(layer: layer, shard: shard))
      }
      for (index, rows) in blocks.enumerated() {
        let first = nextException
        while nextException < exceptions.endIndex, exceptions[nextException].row < rows.upperBound {
          nextException += 1
        }
        if !isIntact { continue }
        survey.intact.append(
          FinishedRows(
            rows: rows, exceptions: Array(exceptions[first..<nextException]),
            overflowCount: manifest.overflowCount == 0
              ? 0 : sums.reduce(0) { $0 + $1[index].infinityCount },
            checksums: sums.map { $0[index].checksum }))
      }
    }
    // The manifest counts the values that became infinite in all rows together. Which rows they are in
    // shows where these are all the infinite values there are; else nobody knows any more.
    let counted = survey.intact.reduce(0) { $0 + $1.overflowCount }
    if manifest.overflowCount > 0, counted != manifest.overflowCount || !survey.lostFiles.isEmpty {
      survey.intact = []
    }
    return survey
  }

  /// What becomes damaged later is found, and computed again, by the block.
  private static let blockRowCount = 256

  private static func blocks(of rows: Range<Int>) -> [Range<Int>] {
    stride(from: rows.lowerBound, to: rows.upperBound, by: blockRowCount).map {
      $0..<min($0 + blockRowCount, rows.upperBound)
    }
  }

  /// SHA-256 of a file, nil when it is not there in its size, and a sum of each block.
  private func read(
    layer: Int, shard: Int, _ blocks: [Range<Int>], _ layout: StoreLayout
  ) throws(StoreError) -> (SHA256Digest?, [RowSum]) {
    let name = layout.name(layer: layer, shard: shard)
    let header = layout.header(layer: layer, shard: shard)
    let found = try reading { () throws(SystemError) -> MappedFile? in
      guard try folder.byteCount(of: name) == header.fileByteCount else { return nil }
      return try MappedFile(folder.path(of: name))
    }
    guard let file = found, file.byteCount == header.fileByteCount else { return (nil, []) }
    var hasher = SHA256Digest.Hasher()
    hasher.update(header.bytes)
    var sums: [RowSum] = []
    var offset = header.bytes.count
    for block in blocks {
      try folder.goOn(stopReason)
      let end = offset + block.count * layout.rowByteCount(layer: layer)
      var sum = RowSum(layout.elementType)
      file.withBytes(offset..<end) {
        hasher.update($0)
        sum.update($0)
      }
      file.isDone(with: offset..<end)
      sums.append(sum)
      offset = end
    }
    return (hasher.finalize(), sums)
  }

  /// What the table of a complete store says about rows.
  private func exceptions(_ manifest: StoreManifest) throws(StoreError) -> [RowException] {
    let table = try RowTable(
      folder.path(of: StoreLayout.rows), count: manifest.rowCount,
      classes: manifest.classes.map { ByteString($0) })
    var exceptions: [RowException] = []
    for row in 0..<table.count {
      let entry = table[row]
      if entry.status == .failed || !entry.message.isEmpty {
        exceptions.append(RowException(row: row, status: entry.status, message: entry.message))
      }
    }
    return exceptions
  }
}
