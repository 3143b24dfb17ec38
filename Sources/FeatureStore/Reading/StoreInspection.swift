package import Files

/// What a folder holds of a store, without reading its rows or their table.
package enum StoreInspection: Sendable {
  /// - Parameter byteCount: of its files.
  case complete(StoreManifest, byteCount: Int)
  /// A job that has not finished; `holder` is running it now, if anybody is.
  case unfinished(Provenance, recordedRows: Int, failedRows: Int, holder: LockHolder?)

  /// - Returns: nil for a folder without a store.
  /// - Throws: `damaged`, `unsupportedVersion`, `unusableJob`, `cannotRead`.
  package static func of(_ path: String) throws(StoreError) -> StoreInspection? {
    let folder = StoreFolder(path)
    if let manifest = try StoreManifest.read(folder) {
      return .complete(manifest, byteCount: try byteCount(folder, manifest))
    }
    let hasJournal = try reading { () throws(SystemError) in
      try folder.byteCount(of: StoreLayout.journal) != nil
    }
    if !hasJournal { return nil }
    var state = JobState()
    let job = try Journal.read(folder) { state.apply($0) }.provenance
    return .unfinished(
      job, recordedRows: state.finished.count, failedRows: state.failed.count,
      holder: try StoreLock.currentHolder(folder))
  }

  private static func byteCount(
    _ folder: StoreFolder, _ manifest: StoreManifest
  ) throws(StoreError) -> Int {
    let names =
      [StoreLayout.manifest, StoreLayout.rows] + manifest.layers.flatMap { $0.shards.map(\.file) }
    return try reading { () throws(SystemError) in
      var count = 0
      for name in names { count += try folder.byteCount(of: name) ?? 0 }
      return count
    }
  }
}
