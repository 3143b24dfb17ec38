import Files
import Formats
import Images
import Tensors
import Testing

@testable import FeatureStore

@Suite struct StoreTests {
  private let temporary: TemporaryFolder
  private let path: String

  init() throws {
    temporary = try TemporaryFolder()
    path = temporary.sub("store")
  }

  @Test(arguments: [ElementType.float32, .float16], [nil, 3])
  func readsWhatWasWritten(_ dtype: ElementType, _ rowsPerShard: Int?) throws {
    let job = SampleJob(
      rows: 150, rowsPerShard: rowsPerShard, dtype: dtype, failing: [0, 63, 64, 149])
    try job.make(at: path)
    let store = try Store(path)
    #expect(store.rowCount == 150 && store.classes == job.classes)
    #expect(store.provenance == job.provenance)
    #expect(store.manifest.overflowCount == (dtype == .float16 ? 60 : 0))
    for (index, spec) in job.provenance.layers.enumerated() {
      let layer = try store.layer(named: spec.name)
      #expect(layer.width == spec.width)
      for rows in [0..<150, 0..<1, 62..<66, 149..<150, 7..<7] {
        let expected = rows.flatMap { row in
          job.values(row: row, layer: index).map {
            dtype == .float16 ? Float(Float16($0)) : $0
          }
        }
        let found = layer.floats(rows)
        #expect(found.count == expected.count)
        #expect(zip(found, expected).allSatisfy { $0 == $1 || $0.isNaN && $1.isNaN })
      }
    }
    for row in 0..<150 {
      let (listed, entry) = (job.list(row), store.rows[row])
      #expect(entry.path == listed.path && entry.label == listed.label)
      #expect(store.labelIndex(row).map { store.classes[$0] } == listed.label)
      #expect(entry.status == (job.failing.contains(row) ? .failed : .ok))
      #expect(store.status(row) == entry.status)
      #expect(entry.message.isEmpty == !(job.failing.contains(row) || row % 5 == 0))
    }
  }

  @Test func rowsTableIsEscapedAndInOrder() throws {
    let job = SampleJob(rows: 3, failing: [2])
    let table = try job.make(at: path)["rows.tsv"]!
    var expected = Array("row\tpath\tlabel\tstatus\tmessage\n".utf8)
    expected += Array("0\tdir\\\\n/im\\tage\\n".utf8) + [0xff, 0]
    expected += Array("\ta\\tb\tok\twarning\\nwith \\\\ signs\n".utf8)
    expected += Array("1\tdir\\\\n/im\\tage\\n".utf8) + [0xff, 1] + Array("\té\tok\t\n".utf8)
    expected += Array("2\tdir\\\\n/im\\tage\\n".utf8) + [0xff, 2]
    expected += Array("\te\u{301}\tfailed\tno such file:\\t2\n".utf8)
    #expect(table == expected)
  }

  @Test func viewsKeptApartAreAnAxisOfTheirOwn() throws {
    let job = SampleJob(
      rowsPerShard: nil,
      layers: [LayerSpec(name: "fc6", fileStem: "fc6", shape: [3], viewsPerRow: 10)])
    let bytes = try job.make(at: path)["fc6.npy"]!
    let (header, offset) = try NPYHeader.parse(bytes)
    #expect(header.shape == [11, 10, 3] && offset % 64 == 0)
    #expect(try Store(path).layer(named: "fc6").width == 30)
  }

  @Test func whatIsNoCompleteStoreIsRefused() throws {
    #expect(throws: StoreError.notAStore(path: temporary.path)) { try Store(temporary.path) }
    let nowhere = temporary.sub("nowhere")
    #expect(throws: StoreError.notAFolder(path: nowhere, found: "nothing there")) {
      try Store(nowhere)
    }
    let job = SampleJob()
    let writer = try job.open(path)
    try job.run(writer, limit: 1)
    let recorded = writer.finishedRowCount
    try writer.close()
    #expect(
      throws: StoreError.incomplete(path: path, recordedRows: recorded, rows: 11, holder: nil)
    ) { try Store(path) }
  }

  @Test func unknownLayerIsNamedWithThoseThereAre() throws {
    try SampleJob().make(at: path)
    let store = try Store(path)
    #expect(
      throws: StoreError.unknownLayer(name: "fc9", path: path, available: ["pool5", "fc6:pre"])
    ) { try store.layer(named: "fc9") }
  }

  @Test func newerFormatIsRefusedAsSuch() throws {
    var files = try SampleJob().make(at: path)
    let text = String(decoding: files["store.json"]!, as: UTF8.self)
      .replacing("\"version\": 1", with: "\"version\": 2")
    files["store.json"] = Array(text.utf8)
    try restore(files, at: path)
    let error = StoreError.unsupportedVersion(
      path: path + "/store.json", found: 2, supported: 1)
    #expect(throws: error) { try Store(path) }
    #expect(throws: error) { try SampleJob().open(path) }
  }
}

@Suite struct StoreAuditTests {
  private let temporary: TemporaryFolder
  private let path: String
  private let team = ThreadTeam(threadCount: 2)

  init() throws {
    temporary = try TemporaryFolder()
    path = temporary.sub("store")
  }

  @Test func soundStoreHasNoProblems() throws {
    for dtype in ElementType.storable {
      let job = SampleJob(dtype: dtype)
      try job.make(at: path + dtype.rawValue)
      let audit = try StoreAudit(path + dtype.rawValue, team: team)
      #expect(audit.problems == [] && audit.isSound)
      #expect(audit.notes.count == (dtype == .float16 ? 1 : 0))
      #expect(audit.summary[0] == "11 rows, 2 failed, 3 classes")
    }
  }

  /// Any byte of any file that is changed, and any file that is cut or gone, is found.
  @Test func everyDamagedByteIsFound() throws {
    let job = SampleJob(rows: 5, rowsPerShard: 3)
    let files = try job.make(at: path)
    for (name, bytes) in files {
      var versions: [[UInt8]?] = [nil, Array(bytes.dropLast()), bytes + [0], []]
      for index in stride(from: 0, to: bytes.count, by: 3) {
        var changed = bytes
        changed[index] ^= 4
        versions.append(changed)
      }
      for version in versions {
        var damaged = files
        damaged[name] = version
        try restore(damaged, at: path)
        // White space in the manifest means nothing.
        let isSame =
          name == "store.json"
          && version.map { (try? JSONValue(parsing: $0)) == (try? JSONValue(parsing: bytes)) }
            == true
        switch Result(catching: { () throws(StoreError) in try StoreAudit(path, team: team) }) {
        case .success(let audit): #expect(!audit.isSound || isSame, "\(name)")
        case .failure(.notAStore): #expect(name == "store.json" && version == nil)
        case .failure(.unsupportedVersion): #expect(name == "store.json")
        case .failure(let error): Issue.record(error)
        }
      }
    }
  }

  @Test func failedRowsHoldNaNAndNoOthers() throws {
    let job = SampleJob()
    var liar = job
    liar.failing = [3]
    let writer = try job.open(path)
    // Rows 2 and 9 are said to have failed; the values say that it is row 3.
    let batch = FinishedRows(
      rows: 0..<11, exceptions: job.batch(0..<11).batch.exceptions, overflowCount: 0,
      data: liar.batch(0..<11).data)
    try writer.recordFinished(batch, rows: liar.batch(0..<11).data)
    try writer.complete(list: job.list)
    let problems = try StoreAudit(path, team: team).problems
    #expect(problems.count == 4, "two shards of two layers")
    #expect(problems[0].contains("rows 2, 3 are NaN though ok"))
  }

  @Test func otherFilesAreNoted() throws {
    try SampleJob().make(at: path)
    try writeFile(path + "/notes.txt", [])
    let audit = try StoreAudit(path, team: team)
    #expect(audit.isSound && audit.notes == ["also in the folder: notes.txt"])
  }
}
