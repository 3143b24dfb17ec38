internal import Files
internal import Tensors

/// A store being made by the coordinator of a job: rows in any order, a journal, then completion.
///
/// Killed at any instant, or cut off from power, the folder is one that `open` continues: a row
/// whose record is on the device is never computed again, and one whose record is not counts as
/// unfinished whatever its file holds. To be used from one thread.
package final class StoreWriter {
  package let path: String
  package let provenance: Provenance
  /// What workers that write in place compare; see `RowFiles`. Empty for a complete store.
  package let nonce: String
  /// Nothing is left to do: the store has its manifest.
  package internal(set) var isComplete: Bool
  /// Rows handed out before the last exit and not finished then: one of them may have caused it.
  package let inFlightAtLastExit: [Range<Int>]
  /// What was found damaged and is put right by computing rows again, in words.
  package let notes: [String]

  /// Of a complete store, whose rows are not read again.
  private let manifest: StoreManifest?
  let folder: StoreFolder
  let layout: StoreLayout
  /// Ready for the manifest.
  let classes: [String]
  var state: JobState
  let files: RowFiles
  let journal: Journal?
  let lock: StoreLock?
  /// Why reading the files through should stop.
  let stopReason: @Sendable () -> String?
  private var pending: [JournalRecord] = []
  private var pendingSince: ContinuousClock.Instant?
  /// Once something could not be written or synchronized nothing more is recorded. POSIX (`fsync`)
  /// says that after a failure "outstanding I/O operations are not guaranteed to have been
  /// completed"; Linux reports an error of writing back once, marks the pages clean and lets the
  /// next `fsync` succeed, over rows that are on no device.
  private var failure: StoreError?
  var runNumber: Int?

  /// Half of the two seconds of finished work that may be lost; synchronizing takes time, too.
  private static let flushInterval = Duration.seconds(1)

  /// A running job.
  init(
    folder: StoreFolder, provenance: Provenance, classes: [String], state: JobState,
    journal: Journal, lock: StoreLock, notes: [String],
    stopReason: @escaping @Sendable () -> String?
  ) {
    path = folder.path
    self.folder = folder
    manifest = nil
    self.provenance = provenance
    self.classes = classes
    self.state = state
    self.journal = journal
    self.lock = lock
    self.notes = notes
    self.stopReason = stopReason
    layout = StoreLayout(provenance)
    files = RowFiles(folder, layout)
    nonce = lock.holder.nonce
    isComplete = false
    let unfinished = state.finished.complement(in: 0..<layout.rowCount)
    inFlightAtLastExit = state.inFlight.intersection(unfinished).ranges
  }

  /// A complete store, in which nothing is to be done.
  init(folder: StoreFolder, manifest: StoreManifest) {
    path = folder.path
    self.folder = folder
    self.manifest = manifest
    provenance = manifest.provenance
    classes = manifest.classes
    state = JobState()
    journal = nil
    lock = nil
    notes = []
    stopReason = { nil }
    layout = StoreLayout(provenance)
    files = RowFiles(folder, layout)
    nonce = ""
    isComplete = true
    inFlightAtLastExit = []
  }

  /// Rows that are neither on the device nor waiting to be recorded, ascending.
  package var unfinished: [Range<Int>] {
    isComplete ? [] : state.finished.complement(in: 0..<layout.rowCount).ranges
  }

  package var failedRowCount: Int { manifest?.failedRowCount ?? state.failed.count }
  /// Finite values that became infinite in float16, in all finished rows.
  package var overflowCount: Int { manifest?.overflowCount ?? state.overflowCount }

  /// Notes that the rows are handed out: survives the process being killed, not a loss of power.
  ///
  /// - Throws: `cannotWrite`.
  package func recordStarted(_ rows: Range<Int>) throws(StoreError) {
    try recording { () throws(StoreError) in
      // Not synchronized: it accuses images of killing the process, which leaves the system running
      // and with it what was written. After a loss of power no image is a suspect.
      try writing { () throws(SystemError) in try openJournal.append([.started(rows)]) }
      state.apply(.started(rows))
    }
  }

  /// Takes a finished batch: writes its rows now, and records it with the next `flush`.
  ///
  /// - Parameter data: the rows' bytes, layer by layer, NaN (`ElementType.missing`) for failed
  ///   rows; nil when a worker has written and synchronized them itself.
  /// - Throws: `cannotWrite`; `rowsCorrupted` when `data` does not fit the batch's checksums.
  /// - Precondition: none of the rows is finished.
  package func recordFinished(_ batch: FinishedRows, rows data: [[UInt8]]?) throws(StoreError) {
    precondition(!state.finished.intersects(batch.rows), "a row is finished twice")
    precondition(batch.checksums.count == layout.layers.count, "a checksum for each layer")
    precondition((data ?? []).count == (data == nil ? 0 : layout.layers.count), "bytes by layer")
    for (layer, bytes) in (data ?? []).enumerated() {
      guard CRC32C.of(bytes) == batch.checksums[layer] else {
        throw .rowsCorrupted(rows: batch.rows, layer: layout.layers[layer].name)
      }
    }
    try recording { () throws(StoreError) in
      do throws(StoreError) {
        for (layer, bytes) in (data ?? []).enumerated() {
          try files.write(rows: batch.rows, layer: layer, SharedBytes(bytes))
        }
      } catch {
        // No room for these rows, but those before them may still be recorded.
        try? recordPending()
        throw error
      }
      // Finished from here on, though the record waits for the next flush: nobody hands these rows
      // out again in this run.
      state.apply(.finished(batch))
      pending.append(.finished(batch))
      pendingSince = pendingSince ?? .now
    }
    try flushIfDue()
  }

  /// Files of the same store for somebody else to write and synchronize: rows of which `recordFinished` is
  /// told without their bytes.
  package func makeRowFiles() -> RowFiles { RowFiles(folder, layout) }

  /// The layers' names, for messages about their bytes.
  package var layerNames: [String] { layout.layers.map(\.name) }

  /// Flushes if a second has passed since the oldest batch that is not recorded; call it often.
  ///
  /// - Throws: `cannotWrite`.
  package func flushIfDue(now: ContinuousClock.Instant = .now) throws(StoreError) {
    guard let pendingSince, now - pendingSince >= Self.flushInterval else { return }
    try flush()
  }

  /// Records everything finished: first the rows, then the records, both to the device.
  ///
  /// - Throws: `cannotWrite`; what was recorded before stays so.
  package func flush() throws(StoreError) {
    try recording(recordPending)
  }

  private func recordPending() throws(StoreError) {
    guard !pending.isEmpty else { return }
    // Rows first: a record is a promise about them. Written together, they reach the device in any
    // order; what POSIX does order is a synchronization, which "shall not return until the system has
    // completed that action or until an error is detected" (fsync). A record that is lost with the
    // power costs work; a record without its rows would cost the store.
    try files.synchronize()
    // One write and one synchronization for all of the last second's batches: a disk does about a
    // hundred of these a second, and each of hundreds of ranks finishes several batches in one.
    try writing { () throws(SystemError) in
      try openJournal.append(pending)
      try openJournal.synchronize()
    }
    pending = []
    pendingSince = nil
  }

  /// Flushes and gives up the lock; the same job may continue the store.
  ///
  /// - Throws: `cannotWrite`; the lock is given up all the same.
  package func close() throws(StoreError) {
    defer { lock?.release() }
    if !isComplete && failure == nil { try flush() }
  }

  /// Runs `body` unless an earlier one failed, whose error it then throws again.
  func recording(_ body: () throws(StoreError) -> Void) throws(StoreError) {
    if let failure { throw failure }
    do { try body() } catch {
      failure = error
      throw error
    }
  }

  var openJournal: Journal {
    guard let journal, !isComplete else { preconditionFailure("the store is complete") }
    return journal
  }
}
