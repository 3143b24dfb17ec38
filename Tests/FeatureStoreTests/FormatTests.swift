import Files
import Formats
import Images
import Tensors
import Testing

@testable import FeatureStore

@Suite struct NPYHeaderTests {
  @Test func isWrittenAsNumPyReadsIt() throws {
    for shape in [[0, 9216], [1_410, 9_216], [7], [3, 10, 4_096], [123_456_789_012, 4_096]] {
      for type in ElementType.storable {
        let header = NPYHeader(elementType: type, shape: shape)
        #expect(header.bytes.count % 64 == 0 && header.bytes.last == 0x0a)
        let (parsed, offset) = try NPYHeader.parse(header.bytes + [1, 2, 3])
        #expect(parsed == header && offset == header.bytes.count)
      }
    }
  }

  @Test func versionsTwoAndThreeAreRead() throws {
    let text = Array("{'descr': '<f2', 'fortran_order': False, 'shape': (2,)}\n".utf8)
    for version in [UInt8(2), 3] {
      let bytes = [0x93] + Array("NUMPY".utf8) + [version, 0, UInt8(text.count), 0, 0, 0] + text
      let (header, offset) = try NPYHeader.parse(bytes)
      #expect(header == NPYHeader(elementType: .float16, shape: [2]) && offset == bytes.count)
    }
  }

  @Test(arguments: [
    "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }\n",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (2,), }\n",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }\n",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }\n", "{}\n", "",
  ])
  func otherHeadersAreRefused(_ text: String) {
    let bytes =
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0] + Array(text.utf8)
    #expect(throws: ProblemError.self) { try NPYHeader.parse(bytes) }
    #expect(throws: ProblemError.self) { try NPYHeader.parse(Array(bytes.dropLast(3))) }
    #expect(throws: ProblemError.self) { try NPYHeader.parse(Array(text.utf8)) }
  }
}

@Suite struct StoreLayoutTests {
  @Test func piecesCoverEveryRowOnce() {
    for rows in [0, 1, 10, 11] {
      for rowsPerShard in [nil, 1, 3, 10, 20] {
        let layout = StoreLayout(SampleJob(rows: rows, rowsPerShard: rowsPerShard).provenance)
        let all = layout.pieces(of: 0..<rows).flatMap { shard, piece in
          piece.map { $0 + layout.rows(ofShard: shard).lowerBound }
        }
        #expect(all == Array(0..<rows))
        #expect((0..<layout.shardCount).map { layout.rows(ofShard: $0).count }.reduce(0, +) == rows)
        #expect(layout.shardCount >= 1)
      }
    }
    let layout = StoreLayout(SampleJob(rows: 11, rowsPerShard: 4).provenance)
    #expect(layout.pieces(of: 3..<9).map(\.shard) == [0, 1, 2])
    #expect(layout.pieces(of: 3..<9).map(\.rows) == [3..<4, 0..<4, 0..<1])
  }
}

@Suite struct RowSetTests {
  @Test func agreesWithASetOfRows() {
    var generator = SeededGenerator(5)
    for _ in 0..<200 {
      var rows = RowSet()
      var twin = Set<Int>()
      var other = RowSet()
      for _ in 0..<12 {
        let first = Int.random(in: 0..<30, using: &generator)
        let range = first..<first + Int.random(in: 0..<8, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0:
          rows.remove(range)
          twin.subtract(range)
        default:
          rows.insert(range)
          twin.formUnion(range)
        }
        if Bool.random(using: &generator) { other.insert(range) }
        #expect(rows.ranges.flatMap { Array($0) } == twin.sorted())
        #expect(
          zip(rows.ranges, rows.ranges.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
        #expect(rows.count == twin.count && rows.isEmpty == twin.isEmpty)
        #expect(rows.intersects(range) == !twin.isDisjoint(with: range))
        #expect(rows.contains(first) == twin.contains(first))
        let rest = rows.complement(in: 5..<25).ranges.flatMap { Array($0) }
        #expect(rest == (5..<25).filter { !twin.contains($0) })
        let common = rows.intersection(other).ranges.flatMap { Array($0) }
        #expect(common == twin.filter { other.contains($0) }.sorted())
      }
    }
  }
}

@Suite struct JournalRecordTests {
  static let records: [JournalRecord] = [
    .started(3..<9), .reopened(0..<1, overflowCount: 5),
    .finished(
      FinishedRows(rows: 0..<4, exceptions: [], overflowCount: 0, checksums: [1, 0xffff_ffff])),
    .finished(
      FinishedRows(
        rows: 4..<9,
        exceptions: [
          RowException(row: 4, status: .failed, message: "a\tb\nc\\ \r é"),
          RowException(row: 8, status: .ok, message: ""),
        ], overflowCount: 12, checksums: [])),
  ]

  @Test(arguments: records) func lineReadsBack(_ record: JournalRecord) {
    let line = record.line
    #expect(line.last == 0x0a && line.filter { $0 == 0x0a }.count == 1)
    let body = JournalRecord.unframed(line.dropLast())
    #expect(body.flatMap { JournalRecord(body: $0, rowCount: 9) } == record)
    #expect(body.flatMap { JournalRecord(body: $0, rowCount: 0) } == nil, "beyond the list")
  }

  @Test(arguments: records) func everyChangedByteIsNoticed(_ record: JournalRecord) {
    let line = Array(record.line.dropLast())
    for index in line.indices {
      var changed = line
      changed[index] ^= 0x20
      // Hexadecimal digits of either case are the same check.
      let isSameDigit = index < 8 && line[index] >= 0x61
      #expect((JournalRecord.unframed(changed[...]) == nil) == !isSameDigit)
      #expect(JournalRecord.unframed(line[..<index]) == nil)
    }
  }
}

@Suite struct ProvenanceTests {
  @Test func fingerprintIsThatOfEveryMember() throws {
    let job = SampleJob().provenance
    var variants = [job]
    func add(_ change: (inout Provenance) -> Void) {
      var variant = job
      change(&variant)
      variants.append(variant)
    }
    add { $0.list.sha256 = "0" }
    add { $0.list.rows += 1 }
    add { $0.recipe.model.architecture = "alexnet" }
    add { $0.recipe.model.sha256 = "0" }
    add { $0.recipe.transform = .object(["mean": .array([.number(104.00698793), .number(118)])]) }
    add { $0.recipe.decode = "fast" }
    add { $0.recipe.views = "ten" }
    add { $0.layers.swapAt(0, 1) }
    add { $0.dtype = .float16 }
    add { $0.recipe.precision = "bf16" }
    add { $0.rowsPerShard = nil }
    add { $0.kernelClass = "avx512" }
    add { $0.arithmetic = 2 }
    #expect(Set(variants.map(\.fingerprint)).count == variants.count)
    for variant in variants.dropFirst() {
      #expect(!variant.differences(from: job).isEmpty)
      #expect(try variant.json.decoded(Provenance.self) == variant)
    }
    #expect(job.differences(from: job).isEmpty)
    var unsharded = job
    unsharded.rowsPerShard = nil
    #expect(
      unsharded.differences(from: job) == ["rowsPerShard: the store has 4, this job has none"])
  }

  /// The recipe's members stand among the others: store.json, journals and fingerprints of every
  /// version depend on it.
  @Test func textIsTheFormatOfJournalAndManifest() throws {
    var job = SampleJob().provenance
    let weights = SHA256Digest(of: "w".utf8).hexadecimal
    let list = SHA256Digest(of: "list".utf8).hexadecimal
    let before = #"{"arithmetic":1,"decode":"exact","dtype":"float32","#
    let after = """
      "kernelClass":"avx2","layers":[\
      {"fileStem":"pool5","name":"pool5","shape":[2,1,2],"viewsPerRow":1},\
      {"fileStem":"fc6-pre","name":"fc6:pre","shape":[3],"viewsPerRow":1}],\
      "list":{"rows":11,"sha256":"\(list)"},\
      "model":{"architecture":"caffenet","sha256":"\(weights)"},\
      "precision":"fp32","rowsPerShard":4,"transform":{"mean":[104.00698793,117]},"views":"center"}
      """
    #expect(job.json.compactText == before + after)
    job.imported = .init(format: "npy", variable: nil, sha256: SHA256Digest(of: "w".utf8))
    let imported = #""imported":{"format":"npy","sha256":"\#(weights)"},"#
    #expect(job.json.compactText == before + imported + after)
    #expect(try job.json.decoded(Provenance.self) == job)
  }

  @Test func damagedIdentitiesAreNoticed() {
    let job = SampleJob().provenance
    func problem(_ change: (inout Provenance) -> Void) -> String? {
      var variant = job
      change(&variant)
      return variant.problem
    }
    #expect(problem { _ in } == nil)
    #expect(problem { $0.layers = [] } != nil)
    #expect(problem { $0.layers[0].shape = [Int.max, 2] } != nil)
    #expect(problem { $0.layers[0].shape = [0] } != nil)
    #expect(problem { $0.layers[0].fileStem = "../x" } != nil)
    #expect(problem { $0.layers[0].fileStem = $0.layers[1].fileStem } != nil)
    #expect(problem { $0.rowsPerShard = 0 } != nil)
    #expect(problem { $0.list.rows = -1 } != nil)
  }
}
