import Files
import Foundation
import Tensors
import Testing

@testable import FeatureStore

/// A store's lock that is taken before anything else, and hashes that are made in shares.
@Suite struct StoreReservationTests {
  private let temporary: TemporaryFolder
  private let path: String
  private let job = SampleJob()

  init() throws {
    temporary = try TemporaryFolder()
    path = temporary.sub("store")
  }

  private func reserve() throws -> StoreReservation {
    let outcome = try StoreWriter.reserve(
      path, provenance: job.provenance, classes: job.classes)
    guard case .reserved(let reservation) = outcome else {
      throw CocoaError(.fileReadUnknown)
    }
    return reservation
  }

  @Test func whatIsAbandonedLeavesNothing() throws {
    let reservation = try reserve()
    try StoreReservation.requireSeen(path, nonce: reservation.nonce)
    #expect(throws: StoreError.self) { try reserve() }
    reservation.abandon()
    #expect(!FileManager.default.fileExists(atPath: path))
    // A folder that was there stays.
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try reserve().abandon()
    #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [])
  }

  @Test func anUnfinishedStoreIsLeftAsItWas() throws {
    let writer = try job.open(path)
    try job.run(writer, limit: 2)
    try writer.close()
    var before = try contents(of: path)
    before["lock"] = nil
    try reserve().abandon()
    #expect(try contents(of: path) == before)
    let again = try reserve().open()
    #expect(again.unfinished == writer.unfinished)
    try job.run(again)
    try again.complete(list: job.list)
  }

  @Test func aCompleteStoreNeedsNoLock() throws {
    try job.make(at: path)
    guard
      case .complete(let writer) = try StoreWriter.reserve(
        path, provenance: job.provenance, classes: job.classes)
    else {
      Issue.record("expected a complete store")
      return
    }
    #expect(writer.isComplete)
    #expect(!FileManager.default.fileExists(atPath: "\(path)/lock"))
  }

  @Test func anotherFolderIsNotTheOneThatIsLocked() throws {
    let reservation = try reserve()
    defer { reservation.abandon() }
    #expect(throws: StoreError.self) {
      try StoreReservation.requireSeen(path, nonce: "another run's")
    }
    let other = temporary.sub("other")
    #expect(throws: StoreError.self) {
      try StoreReservation.requireSeen(other, nonce: reservation.nonce)
    }
  }

  /// Each rank takes some of the files; together they find what one finds alone, damage too.
  @Test(arguments: [1, 2, 5, 40], [false, true])
  func sharesOfTheHashesAreTheHashes(size: Int, isDamaged: Bool) throws {
    let reference = try job.make(at: temporary.sub("reference"))
    let writer = try job.open(path)
    try job.run(writer)
    if isDamaged {
      let name = try #require(
        try FileManager.default.contentsOfDirectory(atPath: path)
          .filter { $0.hasSuffix(".npy.partial") }.min())
      let file = try PositionedFile("\(path)/\(name)", .update)
      try file.write([0xff, 0xee], at: try file.byteCount() - 2)
    }
    let work = try writer.completionWork()
    let shares = work.shares(size: size)
    #expect(shares.flatMap(\.self).sorted() == Array(0..<work.count))
    var checks = [ShardCheck?](repeating: nil, count: work.count)
    for share in shares {
      let other = try ShardWork(path, provenance: job.provenance, decoding: work.encoded) { nil }
      for index in share { checks[index] = try other.check(index) }
    }
    if isDamaged {
      #expect(throws: StoreError.self) {
        try writer.complete(checks: checks.map { $0! }, list: job.list)
      }
      #expect(!writer.unfinished.isEmpty)
    } else {
      try writer.complete(checks: checks.map { $0! }, list: job.list)
      #expect(try contents(of: path) == reference)
    }
    #expect(throws: ProblemError.self) {
      try ShardWork(path, provenance: job.provenance, decoding: [1, 2, 3]) { nil }
    }
  }
}
