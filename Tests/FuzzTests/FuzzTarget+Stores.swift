import Files
import Tensors
import TestSupport

@testable import FeatureStore

extension FuzzTarget {
  /// A file of a complete store, all others sound.
  private static func file(
    _ name: String, _ parse: @escaping @Sendable (String) throws -> Void
  ) -> FuzzTarget {
    FuzzTarget(
      name,
      FuzzSeeds { folder in
        [try readTestFile(SmallStore.complete("\(folder)/\(name)-store").path + "/" + name)]
      }
    ) { bytes, folder in
      _ = try writeTestFile(bytes, name, in: "\(folder)/\(name)-store")
      try parse("\(folder)/\(name)-store")
    }
  }

  private static func readAll(_ path: String) throws {
    let store = try Store(path)
    for row in 0..<store.rowCount {
      _ = (store.rows[row], store.status(row), store.labelIndex(row))
    }
    for spec in store.provenance.layers {
      _ = try store.layer(named: spec.name).floats(0..<store.rowCount)
    }
    _ = (store.manifest.provenance.fingerprint, store.manifest.bytes)
  }

  static let stores = [
    file("store.json") { path in
      _ = StoreWriter.existingJob(path)
      try readAll(path)
    },
    file("rows.tsv") { path in
      // Without the digest, which would hide what the table itself notices.
      let store = try? Store(path)
      let table = try RowTable(
        "\(path)/rows.tsv", count: SmallStore.rowCount,
        classes: store?.classes ?? ["a\tb", "e\u{301}", "é"])
      for row in 0..<table.count { _ = table[row] }
    },
    file("f.npy") { path in try readAll(path) },
    FuzzTarget(
      "journal",
      FuzzSeeds { folder in
        _ = try SmallStore.running("\(folder)/journal-store")
        return [try readTestFile("\(folder)/journal-store/journal")]
      }
    ) { bytes, folder in
      // As it is, and with checks that hold: what forged records would be.
      for journal in [bytes, reframed(bytes)] {
        try resume(journal, "\(folder)/journal-store")
      }
    },
    FuzzTarget(
      "lock", texts: ["decaf-lock 1a2b-3c4d 77 host.name\n"]
    ) { bytes, _ in
      _ = (LockHolder(bytes)?.description, LockHolder.mayHaveWritten(bytes))
    },
  ]

  /// The lines with the check that their bodies should have.
  private static func reframed(_ journal: [UInt8]) -> [UInt8] {
    journal.split(separator: 0x0a).flatMap { JournalRecord.framed(Array($0.dropFirst(9))) }
  }

  /// Continues a job with this journal beside its row files.
  private static func resume(_ journal: [UInt8], _ path: String) throws {
    let whole = try? Journal.job(StoreFolder(path))
    _ = try writeTestFile(journal, "journal", in: path)
    do {
      let folder = StoreFolder(path)
      var state = JobState()
      let job = try Journal.read(folder) { state.apply($0) }.provenance
      for row in 0..<min(job.list.rows, 100) { _ = state.remark(on: row) }
      _ = (try? Store(path), state.failed.count, state.overflowCount)
      // With the classes of the list, whatever the journal is of.
      if let whole, job == whole {
        let writer = try StoreWriter.open(
          path, provenance: job, classes: ["a\tb", "e\u{301}", "é"], retryFailed: true)
        for rows in writer.unfinished {
          let data = ElementType.float32.missing(rows.count * job.layers[0].width)
          try writer.recordFinished(
            FinishedRows(rows: rows, exceptions: [], overflowCount: 0, data: [data]), rows: [data])
        }
        try writer.close()
      }
    }
  }
}
