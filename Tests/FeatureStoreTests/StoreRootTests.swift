import Files
import Foundation
import Testing

@testable import FeatureStore

/// The folder that relative paths start from is part of what a job may not change silently.
@Suite struct StoreRootTests {
  private let job = SampleJob()

  private func open(
    _ path: String, _ root: String?, isMoved: Bool = false, overwrite: Bool = false,
    retryFailed: Bool = false
  ) throws -> StoreWriter {
    try StoreWriter.open(
      path, provenance: job.provenance, classes: job.classes, overwrite: overwrite,
      retryFailed: retryFailed, root: root.map { ImageRoot(path: $0, isMoved: isMoved) })
  }

  private func expectRefusal(_ path: String, given: String, recorded: String) {
    let error = #expect(throws: StoreError.self) { try open(path, given) }
    #expect(error == .otherRoot(path: path, recorded: recorded, given: given))
    #expect(error?.exitStatus == .cannotCreate)
    #expect(error?.description.contains("--moved") ?? false)
  }

  @Test func anUnfinishedStoreKeepsItsRoot() throws {
    let folder = try TemporaryFolder()
    let path = folder.sub("store")
    // Composed and decomposed letters are other bytes; tabs, line feeds and spaces are none too many.
    let root = "/images/é\t a\n\\b"
    var writer = try open(path, root)
    try job.run(writer, limit: 2)
    try writer.close()
    expectRefusal(path, given: "/images/e\u{301}\t a\n\\b", recorded: root)
    expectRefusal(path, given: "/elsewhere", recorded: root)

    writer = try open(path, root)
    #expect(writer.finishedRowCount > 0)
    try writer.close()
    writer = try open(path, "/elsewhere", isMoved: true)
    #expect(writer.finishedRowCount > 0)
    try writer.close()
    // From now on they are there.
    expectRefusal(path, given: root, recorded: "/elsewhere")
    // A job of absolute paths only, and one that does not know.
    try open(path, nil).close()
  }

  @Test func aCompleteStoreTellsByItsRuns() throws {
    let folder = try TemporaryFolder()
    let path = folder.sub("store")
    let writer = try open(path, "/a")
    try job.run(writer)
    try writer.recordRun(.object(["root": .string("/a")]))
    try writer.complete(list: job.list)
    #expect(try open(path, "/a").isComplete)
    expectRefusal(path, given: "/b", recorded: "/a")
    #expect(try open(path, "/b", isMoved: true).isComplete)
    #expect(try open(path, nil).isComplete)

    // What is to be tried again is tried where the images are.
    let retrying = try open(path, "/b", isMoved: true, retryFailed: true)
    #expect(retrying.unfinished == [2..<3, 9..<10])
    try retrying.close()
    expectRefusal(path, given: "/a", recorded: "/b")
    #expect(try open(path, "/a", overwrite: true).unfinished == [0..<11])
  }

  @Test func storesOfEarlierVersionsDoNotTell() throws {
    let folder = try TemporaryFolder()
    let path = folder.sub("store")
    var writer = try job.open(path)
    try job.run(writer, limit: 2)
    try writer.close()
    writer = try open(path, "/a")
    #expect(writer.finishedRowCount > 0)
    try job.run(writer)
    // A record without the member, one that is no JSON, and one of the options alone.
    try writer.recordRun(.object(["options": .object(["root": .string("photos")])]))
    try writer.complete(list: job.list)
    try writeFile("\(path)/runs/0007.json", Array("{".utf8))
    #expect(try open(path, "/b").isComplete)
  }

  /// Nothing of the store is of the wrong folder yet: correcting it must not need another option.
  @Test(arguments: [false, true]) func aStoreWithoutAnImageTakesAnotherRoot(hasFailed: Bool)
    throws
  {
    let folder = try TemporaryFolder()
    let path = folder.sub("store")
    let failing = SampleJob(failing: Set(0..<11))
    let wrong = try open(path, "/wrong")
    if hasFailed { try failing.run(wrong, limit: 2) }
    try wrong.close()
    let right = try open(path, "/right")
    #expect(right.unfinished == [0..<11])
    try job.run(right)
    try right.complete(list: job.list)
    #expect(try contents(of: path) == job.make(at: folder.sub("plain")))
  }
}
