import Files
import Glibc
import Synchronization
import Tensors
import Testing

@testable import FeatureStore

/// The lock is held until its file is gone: who opens the store meanwhile is refused.
@Suite struct LockOrderTests {
  private let job = SampleJob()
  private let temporary: TemporaryFolder
  private let path: String

  init() throws {
    temporary = try TemporaryFolder()
    path = temporary.sub("store")
  }

  /// A folder that notes of every change whether the lock was held when it was made.
  private func watched(_ note: Notes) -> StoreFolder {
    StoreFolder(path) { [path] change throws(SystemError) in
      let isHeld = try FileLock.isHeld(path + "/lock")
      note.entries.withLock { $0.append(("\(change)".prefix(60).description, isHeld)) }
    }
  }

  private final class Notes: Sendable {
    let entries = Mutex<[(change: String, isHeld: Bool)]>([])
    var all: [(change: String, isHeld: Bool)] { entries.withLock { $0 } }
  }

  private func expectHeldToTheEnd(_ notes: Notes, _ sourceLocation: SourceLocation) {
    let last = notes.all.last
    #expect(last?.change == "remove(\"lock\")", sourceLocation: sourceLocation)
    for entry in notes.all {
      #expect(entry.isHeld, "\(entry.change) without the lock", sourceLocation: sourceLocation)
    }
  }

  @Test func completionHoldsTheLock() throws {
    let notes = Notes()
    let writer = try StoreWriter.open(
      watched(notes), provenance: job.provenance, classes: job.classes)
    try job.run(writer)
    try writer.complete(list: job.list)
    expectHeldToTheEnd(notes, #_sourceLocation)
    #expect(try !FileLock.isHeld(path + "/lock"))
    #expect(try contents(of: path)["lock"] == nil)
  }

  @Test func removingLeftoversHoldsTheLock() throws {
    try job.make(at: path)
    try writeFile(path + "/journal.partial", [1])
    let notes = Notes()
    #expect(
      try StoreWriter.open(watched(notes), provenance: job.provenance, classes: job.classes)
        .isComplete)
    expectHeldToTheEnd(notes, #_sourceLocation)
    #expect(try contents(of: path)["lock"] == nil)
  }

  @Test func aWriterThatIsClosedGivesTheLockUp() throws {
    let writer = try job.open(path)
    #expect(try FileLock.isHeld(path + "/lock"))
    try writer.close()
    #expect(try !FileLock.isHeld(path + "/lock"))
    #expect(try contents(of: path)["lock"] != nil, "as a killed process leaves it")
  }

  /// A complete store that stays as it is keeps no lock file, though replacing it was begun.
  @Test func aStoreThatCannotBeReplacedIsLeftAsItIs() throws {
    let before = try job.make(at: path)
    let full = ChangeLog(limit: 0, code: ENOSPC)
    #expect(throws: StoreError.self) {
      try StoreWriter.open(
        full.folder(path), provenance: SampleJob(weights: "other").provenance,
        classes: job.classes, overwrite: true)
    }
    #expect(try contents(of: path) == before)
    #expect(try !FileLock.isHeld(path + "/lock"))
  }
}
