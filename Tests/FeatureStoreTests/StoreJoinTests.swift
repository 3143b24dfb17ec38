import Files
import Foundation
import Tensors
import Testing

@testable import FeatureStore

/// Stores of other stores' rows: the bytes of an extraction of the one list.
@Suite struct StoreJoinTests {
  private let temporary: TemporaryFolder
  private let team = ThreadTeam(threadCount: 2)

  init() throws { temporary = try TemporaryFolder() }

  /// The store that extracting these rows of the job's list alone gives.
  private func make(_ name: String, _ whole: SampleJob, _ rows: [Int]) throws -> Store {
    var provenance = whole.provenance
    provenance.list = .init(sha256: SHA256Digest(of: name.utf8), rows: rows.count)
    let labels = rows.compactMap { whole.list($0).label }
    let writer = try StoreWriter.open(
      temporary.sub(name), provenance: provenance, classes: ByteString.classes(of: labels))
    for (row, source) in rows.enumerated() {
      let (batch, data) = whole.batch(source..<source + 1)
      let exceptions = batch.exceptions.map {
        RowException(row: row, status: $0.status, message: $0.message)
      }
      try writer.recordFinished(
        FinishedRows(
          rows: row..<row + 1, exceptions: exceptions, overflowCount: batch.overflowCount,
          data: data), rows: data)
    }
    try writer.complete { whole.list(rows[$0]) }
    return try Store(temporary.sub(name))
  }

  /// All files but the manifest, and of the manifest what is no matter of the list.
  private func expectSame(_ path: String, _ other: String) throws {
    var (found, expected) = (try contents(of: path), try contents(of: other))
    found["store.json"] = nil
    expected["store.json"] = nil
    #expect(found == expected)
    let (manifest, wanted) = (try Store(path).manifest, try Store(other).manifest)
    #expect(manifest.layers == wanted.layers && manifest.rows == wanted.rows)
    #expect(manifest.classes == wanted.classes && manifest.rowCount == wanted.rowCount)
    #expect(manifest.failedRowCount == wanted.failedRowCount)
    #expect(manifest.overflowCount == wanted.overflowCount)
    #expect(try StoreAudit(path, team: team).problems == [])
  }

  @Test(
    arguments: [ElementType.float32, .float16],
    [[0, 150], [0, 1, 150], [0, 70, 71, 149, 150], [0, 64, 128, 150]])
  func joinedStoresAreOfTheJoinedList(_ dtype: ElementType, _ cuts: [Int]) throws {
    // More lines than are read at a time, in the last of the cases' parts no failed row.
    let whole = SampleJob(rows: 150, rowsPerShard: nil, dtype: dtype, failing: [0, 63, 64, 149])
    _ = try make("whole", whole, Array(0..<150))
    let stores = try zip(cuts, cuts.dropFirst()).enumerated().map { number, ends in
      try make("part\(number)", whole, Array(ends.0..<ends.1))
    }
    let join = try StoreJoin(stores.map { StorePart($0) })
    let path = temporary.sub("joined")
    #expect(try join.write(to: path, overwrite: false, team: team).isNew)
    try expectSame(path, temporary.sub("whole"))
    #expect(try Store(path).provenance.parts?.count == stores.count)

    // Again: nothing to do; elsewhere: the same bytes.
    let before = try contents(of: path)
    #expect(try !join.write(to: path, overwrite: false, team: team).isNew)
    let again = temporary.sub("again")
    _ = try StoreJoin(stores.map { StorePart($0) }).write(to: again, overwrite: true, team: team)
    #expect(try contents(of: again) == before)
    #expect(try contents(of: path) == before)
  }

  @Test func partsMayHaveShardsOfTheirOwnAndBeJoinsThemselves() throws {
    var whole = SampleJob(rows: 31, rowsPerShard: 4, failing: [2, 9])
    let first = try make("first", whole, Array(0..<10))
    whole.provenance.rowsPerShard = 7
    _ = try make("whole", whole, Array(0..<31))
    let second = try make("second", whole, Array(10..<31))
    let path = temporary.sub("joined")
    let join = try StoreJoin([StorePart(first), StorePart(second)], rowsPerShard: 7)
    _ = try join.write(to: path, overwrite: false, team: team)
    try expectSame(path, temporary.sub("whole"))

    let nested = try StoreJoin([StorePart(try Store(path))], rowsPerShard: 7)
    _ = try nested.write(to: temporary.sub("nested"), overwrite: false, team: team)
    try expectSame(temporary.sub("nested"), temporary.sub("whole"))
    // What the list is hashed by is the same, whatever it was put together from.
    #expect(nested.provenance.list == join.provenance.list)
  }

  @Test(arguments: [ElementType.float32, .float16])
  func subsetsAreOfTheirRowsAlone(_ dtype: ElementType) throws {
    let whole = SampleJob(rows: 40, rowsPerShard: nil, dtype: dtype, failing: [2, 9, 17])
    let store = try make("whole", whole, Array(0..<40))
    let cases: [(RowSelection, [Int], String)] = [
      (
        .init(rows: [7...7, 30...39, 1...3, 2...4]), [1, 2, 3, 4, 7] + Array(30...39),
        "rows 1-4,7,30-39"
      ),
      (.init(status: .ok), (0..<40).filter { !whole.failing.contains($0) }, "status=ok"),
      (.init(status: .failed), [2, 9, 17], "status=failed"),
      (.init(labels: ["é,a\tb"]), (0..<40).filter { $0 % 4 < 2 }, "label=a\tb,é"),
      (
        .init(rows: [0...9], labels: ["e\u{301}"], status: .ok), [6],
        "rows 0-9; label=e\u{301}; status=ok"
      ),
    ]
    for (number, (selection, rows, words)) in cases.enumerated() {
      _ = try make("expected\(number)", whole, rows)
      let part = try selection.part(of: store)
      #expect(part.rowCount == rows.count)
      let path = temporary.sub("subset\(number)")
      _ = try StoreJoin([part]).write(to: path, overwrite: false, team: team)
      try expectSame(path, temporary.sub("expected\(number)"))
      #expect(
        try Store(path).provenance.parts?[0].selection.map { ByteString($0) } == ByteString(words))
    }
    #expect(throws: StoreError.rowsBeyond(path: store.path, row: 40, rowCount: 40)) {
      try RowSelection(rows: [3...40]).part(of: store)
    }
    #expect(throws: StoreError.nothingSelected(path: store.path, selection: "rows 2; status=ok")) {
      try RowSelection(rows: [2...2], status: .ok).part(of: store)
    }
    let unknown = #expect(throws: StoreError.self) {
      try RowSelection(labels: ["é,cat"]).part(of: store)
    }
    #expect(unknown?.description.contains("no class “cat”") == true)
  }

  @Test func interruptedJoinsContinue() throws {
    let whole = SampleJob(rows: 20, rowsPerShard: nil, failing: [2, 9])
    _ = try make("whole", whole, Array(0..<20))
    let stores = [
      try make("a", whole, Array(0..<9)), try make("b", whole, Array(9..<20)),
    ]
    let join = try StoreJoin(stores.map { StorePart($0) })
    let path = temporary.sub("joined")
    let writer = try StoreWriter.open(path, provenance: join.provenance, classes: join.classes)
    for rows in [4..<12, 15..<17] {
      let (batch, data) = whole.batch(rows)
      try writer.recordFinished(batch, rows: data)
    }
    try writer.close()
    #expect(throws: StoreError.self) { try Store(path) }
    #expect(try join.write(to: path, overwrite: true, team: team).isNew)
    try expectSame(path, temporary.sub("whole"))
  }

  @Test func unlikeStoresAreRefusedByWhatDiffers() throws {
    let job = SampleJob(rows: 4)
    let first = try make("first", job, [0, 1, 2])
    var kernel = job
    kernel.provenance.kernelClass = "avx512"
    let others: [(SampleJob, String)] = [
      (kernel, "kernelClass: \(first.path) has avx2, \(temporary.sub("other0")) has avx512"),
      (SampleJob(rows: 4, weights: "other"), "model.sha256"),
      (SampleJob(rows: 4, dtype: .float16), "dtype"),
      (
        SampleJob(rows: 4, layers: [LayerSpec(name: "fc7", fileStem: "fc7", shape: [3])]), "has fc7"
      ),
    ]
    for (number, (other, mention)) in others.enumerated() {
      let store = try make("other\(number)", other, [0, 1])
      let error = #expect(throws: StoreError.self) {
        try StoreJoin([StorePart(first), StorePart(store)])
      }
      #expect(error?.description.contains(mention) == true)
      #expect(error?.exitStatus == .badInput)
    }
  }

  @Test func damageIsNotCopied() throws {
    let job = SampleJob(rows: 8, rowsPerShard: nil)
    let store = try make("a", job, Array(0..<8))
    let file = "\(store.path)/pool5.npy"
    let sound = try readFile(file)
    var bytes = sound
    bytes[bytes.count - 3] ^= 1
    try writeFile(file, bytes)
    let damaged = try Store(store.path)
    let path = temporary.sub("joined")
    #expect(throws: StoreError.differingHash(path: file)) {
      try StoreJoin([StorePart(damaged)]).write(to: path, overwrite: false, team: team)
    }
    #expect(!FileSystem.isFolder(path))
    // Sound again, but not what was opened.
    try writeFile(file, sound)
    let error = #expect(throws: StoreError.self) {
      try StoreJoin([StorePart(damaged)]).write(to: path, overwrite: false, team: team)
    }
    #expect(error?.description.contains("\(file) changed") == true)
    #expect(!FileSystem.isFolder(path))
  }

  @Test func outputsThatAreThereAreKept() throws {
    let job = SampleJob(rows: 8, rowsPerShard: nil)
    let stores = [try make("a", job, [0, 1, 2]), try make("b", job, [3, 4])]
    let join = try StoreJoin(stores.map { StorePart($0) })
    let before = try contents(of: stores[1].path)
    for overwrite in [false, true] {
      #expect(throws: StoreError.outputIsInput(path: stores[1].path)) {
        try join.write(to: stores[1].path + "/.", overwrite: overwrite, team: team)
      }
    }
    let other = try make("c", job, [5])
    let error = #expect(throws: StoreError.self) {
      try join.write(to: other.path, overwrite: false, team: team)
    }
    #expect(error?.exitStatus == .cannotCreate)
    #expect(try contents(of: stores[1].path) == before)
    #expect(try join.write(to: other.path, overwrite: true, team: team).isNew)
    #expect(try Store(other.path).rowCount == 5)
  }
}
