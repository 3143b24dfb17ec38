package import Files
internal import Formats
internal import Synchronization
internal import Tensors

/// The `….npy.partial` files of a running job, written in place at the offsets of their rows.
///
/// The coordinator holds one; with `--gather direct` every worker does. Any order of writes gives
/// the same files. Safe to use from several threads for distinct rows.
package final class RowFiles: Sendable {
  private let folder: StoreFolder
  private let layout: StoreLayout
  private let state = Mutex(State())

  /// Layer and shard.
  private struct Key: Hashable {
    let layer: Int
    let shard: Int
  }

  private struct State {
    var open: [Key: (file: PositionedFile, lastUse: Int)] = [:]
    /// Written since the last synchronization; a file that was closed meanwhile is opened again,
    /// as synchronizing concerns the file, not the descriptor.
    var unsynchronized: Set<Key> = []
    var useCount = 0
  }

  /// Open files at a time, well under the usual limit of 1,024 a process.
  private static let openLimit = 128

  init(_ folder: StoreFolder, _ layout: StoreLayout) {
    self.folder = folder
    self.layout = layout
  }

  /// The files of a job that the process with this nonce, on any host, coordinates.
  ///
  /// - Throws: `differentDirectory` when the folder, seen from here, is not the coordinator's;
  ///   `cannotRead`.
  package convenience init(_ path: String, provenance: Provenance, nonce: String)
    throws(StoreError)
  {
    let folder = StoreFolder(path)
    let contents = try reading { () throws(SystemError) in
      try FileLock.contents(of: folder.path(of: StoreLayout.lock))
    }
    let holder = contents.flatMap { LockHolder($0) }
    guard let holder, holder.nonce == nonce else {
      throw .differentDirectory(path: path, host: FileSystem.hostName, found: holder)
    }
    self.init(folder, StoreLayout(provenance))
  }

  /// Writes rows of one layer, `bytes` in row order; durable only after `synchronize()`.
  ///
  /// - Throws: `cannotWrite`; part of the rows may then be written.
  package func write(rows: Range<Int>, layer: Int, _ bytes: SharedBytes) throws(StoreError) {
    let rowByteCount = layout.rowByteCount(layer: layer)
    precondition(bytes.count == rows.count * rowByteCount, "bytes do not fit the rows")
    var done = 0
    for (shard, piece) in layout.pieces(of: rows) {
      let key = Key(layer: layer, shard: shard)
      let count = piece.count * rowByteCount
      let part = bytes[done..<done + count]
      let offset =
        layout.header(layer: layer, shard: shard).bytes.count
        + piece.lowerBound * rowByteCount
      try writing { () throws(SystemError) in
        try folder.write(
          part, at: offset, of: layout.partialName(layer: layer, shard: shard), try file(key))
      }
      // After the write: a synchronization that ran meanwhile may have missed part of it.
      state.withLock { _ = $0.unsynchronized.insert(key) }
      done += count
    }
  }

  /// Returns when everything written through this object is on the device.
  ///
  /// - Throws: `cannotWrite`; what was written since the last synchronization is then not to be
  ///   recorded, not even after another try, as the system may have dropped it.
  package func synchronize() throws(StoreError) {
    let keys = state.withLock { state in
      defer { state.unsynchronized = [] }
      return state.unsynchronized
    }
    try writing { () throws(SystemError) in
      for key in keys {
        try folder.synchronize(
          layout.partialName(layer: key.layer, shard: key.shard), try file(key))
      }
    }
  }

  /// Closes the files; later calls open them again.
  func closeAll() {
    state.withLock { $0.open = [:] }
  }

  private func file(_ key: Key) throws(SystemError) -> PositionedFile {
    try state.withLock { state throws(SystemError) -> PositionedFile in
      state.useCount += 1
      if let file = state.open[key]?.file {
        state.open[key]?.lastUse = state.useCount
        return file
      }
      // Reading mode would do for synchronizing; a file must exist, or rows of a removed store
      // would go into a new, empty one.
      let name = layout.partialName(layer: key.layer, shard: key.shard)
      guard try folder.byteCount(of: name) != nil else {
        throw SystemError.missing(folder.path(of: name))
      }
      let file = try folder.open(name)
      if state.open.count >= Self.openLimit,
        let oldest = state.open.min(by: { $0.value.lastUse < $1.value.lastUse })
      {
        // Synchronized before it is closed, so that an error of writing back reaches us.
        try folder.synchronize(
          layout.partialName(layer: oldest.key.layer, shard: oldest.key.shard), oldest.value.file)
        state.open[oldest.key] = nil
      }
      state.open[key] = (file, state.useCount)
      return file
    }
  }
}
