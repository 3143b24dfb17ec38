package import Files
internal import Formats
internal import Images
internal import Synchronization
internal import Tensors

/// A complete store, read from memory maps.
///
/// Its files may change meanwhile; what is made of them counts after `requireUnchanged()`.
package final class Store: Sendable {
  package let path: String
  package let manifest: StoreManifest
  /// In class order.
  package let classes: [ByteString]
  /// Path, label, status and message of every row.
  package let rows: RowTable
  let folder: StoreFolder
  /// All files, as they were found, and the maps of them.
  private let files: Mutex<[InputFile]>

  /// - Throws: `notAStore`, `incomplete`, `damaged`, `damagedRows`, `unsupportedVersion`, `cannotRead`.
  package init(_ path: String) throws(StoreError) {
    let folder = StoreFolder(path)
    let manifestFile = try? InputFile(folder.path(of: StoreLayout.manifest))
    let manifest = try Self.manifest(folder)
    self.path = path
    self.folder = folder
    self.manifest = manifest
    classes = manifest.classes.map { ByteString($0) }
    let shards = try Self.checkedFiles(folder, StoreLayout(manifest.provenance))
    rows = try RowTable(
      folder.path(of: StoreLayout.rows), count: manifest.rowCount, classes: classes,
      sha256: manifest.rows.sha256)
    files = Mutex([manifestFile].compactMap(\.self) + [rows.input] + shards)
    guard rows.failedCount == manifest.failedRowCount else {
      throw .damaged(
        path: folder.path(of: StoreLayout.rows),
        problem: "\(rows.failedCount) rows failed, the manifest says \(manifest.failedRowCount)")
    }
  }

  /// The manifest of a complete store.
  ///
  /// - Throws: as `init`.
  static func manifest(_ folder: StoreFolder) throws(StoreError) -> StoreManifest {
    let other = try reading { () throws(SystemError) in
      try FileInPlaceOfStore.description(of: folder.path)
    }
    if let other { throw .notAFolder(path: folder.path, found: other) }
    if let manifest = try StoreManifest.read(folder) { return manifest }
    let hasJournal = try reading { () throws(SystemError) in
      try folder.byteCount(of: StoreLayout.journal) != nil
    }
    guard hasJournal else { throw .notAStore(path: folder.path) }
    var state = JobState()
    let job: Provenance
    do throws(StoreError) { job = try Journal.read(folder) { state.apply($0) }.provenance } catch {
      guard case .unusableJob(_, let problem) = error else { throw error }
      throw .damaged(path: folder.path, problem: "it has no store.json, and \(problem)")
    }
    throw .incomplete(
      path: folder.path, recordedRows: state.finished.count, rows: job.list.rows,
      holder: try StoreLock.currentHolder(folder))
  }

  /// Looks at the size of every file of rows: enough to notice one that is of another store, was cut
  /// short or is missing, before hours of work on it.
  private static func checkedFiles(
    _ folder: StoreFolder, _ layout: StoreLayout
  ) throws(StoreError) -> [InputFile] {
    var files: [InputFile] = []
    for (layer, shard) in layout.shards {
      let name = layout.name(layer: layer, shard: shard)
      let expected = layout.header(layer: layer, shard: shard).fileByteCount
      let found = try reading { () throws(SystemError) in try folder.byteCount(of: name) }
      guard found == expected else {
        throw .damagedRows(
          path: folder.path(of: name),
          problem: found.map { "it has \($0) bytes, expected \(expected)" } ?? "it is missing")
      }
      files.append(
        try reading { () throws(SystemError) in try InputFile(folder.path(of: name)) })
    }
    return files
  }

  /// Compares all files of the store with what they were when it was opened.
  package func requireUnchanged() throws(InputChangedError) { try inputs.requireUnchanged() }

  /// The store's files, those mapped since it was opened once more.
  package var inputs: [InputFile] { files.withLock { $0 } }

  /// What the last run that tells says of one of its options: `list`, `model`, `network`; nil where none
  /// does.
  package func recordedOption(_ name: String) -> String? { RunRecords(folder).option(name) }

  /// The folder that relative paths of the list start from, as the last run that tells has it.
  package var recordedRoot: String? { RunRecords(folder).root }

  /// What `runs/NNNN.json` say of each run, in their order; without those that cannot be read. A store
  /// that was imported, joined or copied has none.
  package var recordedRuns: [(number: Int, record: JSONValue)] { RunRecords(folder).all }

  package var provenance: Provenance { manifest.provenance }
  package var rowCount: Int { manifest.rowCount }

  package func status(_ row: Int) -> RowStatus { rows.status(row) }

  /// The index in `classes` of the row's label, nil for a row without one.
  package func labelIndex(_ row: Int) -> Int? {
    let index = rows.labelIndices[row]
    return index < 0 ? nil : Int(index)
  }

  /// The layer of this name; `decaf5` to `decaf7` are known to whoever parses names.
  ///
  /// - Throws: `unknownLayer`; `damagedRows` when a file of the layer is not what the manifest says;
  ///   `inputChanged` when it was when the store was opened; `cannotRead`.
  package func layer(named name: String) throws(StoreError) -> StoredLayer {
    // By bytes: `String` takes composed characters for equal to others.
    guard
      let index = provenance.layers.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) })
    else {
      throw .unknownLayer(name: name, path: path, available: provenance.layers.map(\.name))
    }
    do throws(StoreError) {
      let layer = try StoredLayer(folder, StoreLayout(provenance), index)
      files.withLock { $0 += layer.inputs }
      return layer
    } catch {
      do throws(InputChangedError) { try requireUnchanged() } catch { throw .inputChanged(error) }
      throw error
    }
  }
}

/// One layer of a complete store: `rowCount × width` values.
package final class StoredLayer: Sendable {
  package let spec: LayerSpec
  private let layout: StoreLayout
  private let shards: [(file: MappedFile, dataOffset: Int)]
  /// Whether rows that were read stay mapped, to be read again without a fault for every few pages.
  ///
  /// The system takes such pages back as it does those of its cache, but until then they count as this
  /// process's: so only where they are a small part of what is free.
  private let keepsPages: Bool

  /// Values in a row, all views.
  package var width: Int { spec.width }

  init(_ folder: StoreFolder, _ layout: StoreLayout, _ layer: Int) throws(StoreError) {
    self.layout = layout
    spec = layout.layers[layer]
    var shards = [(file: MappedFile, dataOffset: Int)]()
    for shard in 0..<layout.shardCount {
      let path = folder.path(of: layout.name(layer: layer, shard: shard))
      let file = try reading { () throws(SystemError) in try MappedFile(path) }
      let start = file.bytes(0..<min(file.byteCount, NPYDescription.longest))
      do throws(ProblemError) {
        let expected = layout.header(layer: layer, shard: shard)
        let dataOffset = try expected.check(start: start, fileByteCount: file.byteCount)
        shards.append((file, dataOffset))
      } catch { throw .damagedRows(path: path, problem: error.text) }
    }
    self.shards = shards
    let byteCount = shards.reduce(0) { $0 + $1.file.byteCount }
    keepsPages = byteCount <= (HostMemory.availableByteCount ?? 0) / 4
  }

  /// The layer's files.
  fileprivate var inputs: [InputFile] { shards.map(\.file.input) }

  /// Appends the values of consecutive rows; float16 is converted, exactly.
  package func append(_ rows: Range<Int>, to values: inout [Float]) {
    for (shard, piece) in layout.pieces(of: rows) {
      let (file, dataOffset) = shards[shard]
      let offset = dataOffset + piece.lowerBound * width * layout.elementType.byteCount
      switch layout.elementType {
      case .float32: file.appendFloat32(piece.count * width, at: offset, to: &values)
      case .float16: file.appendFloat16(piece.count * width, at: offset, to: &values)
      default: preconditionFailure("no store has \(layout.elementType.rawValue)")
      }
    }
  }

  /// Appends the bytes of consecutive rows as they lie in the files. Their pages do not count as this
  /// process's memory afterwards.
  package func appendBytes(_ rows: Range<Int>, to bytes: inout [UInt8]) {
    for (shard, piece) in layout.pieces(of: rows) {
      let range = byteRange(piece, of: shard)
      shards[shard].file.withBytes(range) { bytes.append(contentsOf: $0) }
      shards[shard].file.isDone(with: range)
    }
  }

  /// Calls `body` with the values of consecutive rows: where they lie, if they are float32 in one
  /// file, else in `scratch`. Where the layer is large beside what memory is free, the rows' pages do not
  /// count as this process's memory afterwards; the system keeps what fits, to be read again.
  package func withFloats(
    _ rows: Range<Int>, scratch: inout [Float], _ body: (Span<Float>) throws -> Void
  ) throws {
    let pieces = layout.pieces(of: rows)
    defer {
      if !keepsPages {
        for (shard, piece) in pieces {
          shards[shard].file.isDone(with: byteRange(piece, of: shard))
        }
      }
    }
    if layout.elementType == .float32, pieces.count == 1 {
      let (shard, piece) = pieces[0]
      let (file, dataOffset) = shards[shard]
      let isDone: Void? = try file.withFloat32(
        piece.count * width, at: dataOffset + piece.lowerBound * width * 4, body)
      if isDone != nil { return }
    }
    scratch.removeAll(keepingCapacity: true)
    append(rows, to: &scratch)
    try body(scratch.span)
  }

  /// Where a row's values lie as float32; nil where they are of another type.
  package func place(of row: Int) -> (file: MappedFile, offset: Int)? {
    guard layout.elementType == .float32,
      let (shard, piece) = layout.pieces(of: row..<row + 1).first
    else { return nil }
    return (shards[shard].file, byteRange(piece, of: shard).lowerBound)
  }

  /// The values of consecutive rows, row by row.
  package func floats(_ rows: Range<Int>) -> [Float] {
    var values = [Float]()
    values.reserveCapacity(rows.count * width)
    append(rows, to: &values)
    return values
  }

  /// Tells the system that these rows will be read soon.
  package func willNeed(_ rows: Range<Int>) {
    for (shard, piece) in layout.pieces(of: rows) {
      shards[shard].file.willNeed(byteRange(piece, of: shard))
    }
  }

  /// Tells the system that these rows have been read: their pages no longer count as this process's
  /// memory.
  package func isDone(with rows: Range<Int>) {
    for (shard, piece) in layout.pieces(of: rows) {
      shards[shard].file.isDone(with: byteRange(piece, of: shard))
    }
  }

  /// Where the rows `piece` of a shard lie in its file.
  private func byteRange(_ piece: Range<Int>, of shard: Int) -> Range<Int> {
    let rowByteCount = width * layout.elementType.byteCount
    let start = shards[shard].dataOffset
    return start + piece.lowerBound * rowByteCount..<start + piece.upperBound * rowByteCount
  }
}
