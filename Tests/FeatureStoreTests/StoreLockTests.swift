import Files
import Foundation
import Glibc
import Tensors
import Testing

@testable import FeatureStore

/// The lock, and real processes that are killed; each exit test is a process of its own.
@Suite struct StoreLockTests {
  private let temporary: TemporaryFolder
  private let path: String
  private let job = SampleJob()

  init() throws {
    temporary = try TemporaryFolder()
    path = temporary.sub("store")
  }

  @Test func secondProcessIsToldWhoHoldsTheLock() async throws {
    let writer = try job.open(path)
    // None of these may drop the lock, though they read its file.
    _ = try RowFiles(path, provenance: job.provenance, nonce: writer.nonce)
    #expect(throws: StoreError.self) { try Store(path) }
    #expect(throws: StoreError.self) { try job.open(path) }
    let holder = getpid()
    await #expect(processExitsWith: .exitCode(42)) {
      [path = path as String, holder = holder as Int32] in
      do { _ = try SampleJob().open(path) } catch StoreError.locked(_, let found) {
        exit(found?.processID == Int(holder) && getpid() != holder ? 42 : 1)
      }
      exit(0)
    }
    // Readers of other processes see that it is being written.
    await #expect(processExitsWith: .exitCode(43)) {
      [path = path as String, holder = holder as Int32] in
      let result = Result { () throws(StoreError) in try Store(path) }
      guard case .failure(.incomplete(_, _, _, let found)) = result else { exit(0) }
      exit(found?.processID == Int(holder) ? 43 : 1)
    }
    try writer.close()
    await #expect(processExitsWith: .exitCode(44)) { [path = path as String] in
      _ = try SampleJob().open(path)
      exit(44)
    }
  }

  @Test func overwritingARunningJobsFolderIsRefused() throws {
    let writer = try job.open(path)
    try job.run(writer, limit: 2)
    let other = SampleJob(weights: "other")
    let before = try contents(of: path)
    do {
      _ = try other.open(path, overwrite: true)
      Issue.record("accepted")
    } catch StoreError.locked(_, let holder) {
      #expect(holder?.processID == Int(getpid()))
    }
    #expect(try contents(of: path) == before)
  }

  @Test func killedProcessLeavesAStoreThatContinues() async throws {
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let job = SampleJob()
      let writer = try job.open(path)
      try job.run(writer, size: 2, limit: 3)
      let rows = writer.unfinished[0].prefix(2)
      try writer.recordStarted(rows.startIndex..<rows.endIndex)
      kill(getpid(), SIGKILL)
    }
    let writer = try job.open(path)
    #expect(writer.finishedRowCount >= 5 && writer.finishedRowCount <= 6)
    #expect(!writer.inFlightAtLastExit.isEmpty)
    try job.run(writer)
    try writer.complete(list: job.list)
    #expect(try contents(of: path) == job.make(at: temporary.sub("reference")))
  }

  @Test func fileSizeLimitEndsInAnErrorThatKeepsWhatIsRecorded() async throws {
    await #expect(processExitsWith: .exitCode(73)) { [path = path as String] in
      signal(SIGXFSZ, SIG_IGN)
      let job = SampleJob()
      let writer = try job.open(path)
      try job.run(writer, limit: 1)
      // Files may not grow any more: the journal's next record does not fit.
      let size = try FileSystem.byteCount(of: path + "/journal")!
      var limit = rlimit(rlim_cur: rlim_t(size + 10), rlim_max: rlim_t(size + 10))
      setrlimit(__rlimit_resource_t(1), &limit)
      do { try job.run(writer) } catch let error as StoreError { exit(error.exitStatus.rawValue) }
    }
    let writer = try job.open(path)
    #expect(writer.finishedRowCount == 3 || writer.finishedRowCount == 2)
    try job.run(writer)
    try writer.complete(list: job.list)
    #expect(try contents(of: path) == job.make(at: temporary.sub("reference")))
  }

  @Test func removedLockFileDoesNotLetTwoIn() throws {
    guard case .acquired(let first) = try FileLock.acquire(path, contents: [1]) else {
      Issue.record("not acquired")
      return
    }
    try FileSystem.removeFile(path)
    // The name is free: a new file may be locked, the old lock says nothing about it.
    guard case .acquired(let second) = try FileLock.acquire(path, contents: [2]) else {
      Issue.record("not acquired")
      return
    }
    guard case .held(let contents) = try FileLock.acquire(path, contents: [3]) else {
      Issue.record("acquired twice")
      return
    }
    #expect(contents == [2])
    first.release()
    #expect(try FileLock.isHeld(path))
    second.release()
    #expect(try !FileLock.isHeld(path))
    #expect(try FileLock.contents(of: path) == [2])
  }
}
