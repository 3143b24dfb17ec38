import Files
import Foundation
import Tensors
import Testing

@testable import FeatureStore

/// Files of a store in hand: few at a time, and one lock for one process.
@Suite struct OpenFilesTests {
  /// Descriptors of this process that lead to row files of the folder.
  private func openFiles(in path: String) throws -> Int {
    try FileSystem.names(in: "/proc/self/fd").count {
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
      return target.map { $0.hasPrefix(path + "/") && $0.contains(".npy") } ?? false
    }
  }

  @Test func aWriterOfManyShardsHoldsFewOpen() throws {
    let temporary = try TemporaryFolder()
    let job = SampleJob(rows: 300, rowsPerShard: 1, failing: [])
    let writer = try job.open(temporary.sub("store"))
    try job.run(writer, size: 13)
    let count = try openFiles(in: temporary.sub("store"))
    // Of 600.
    #expect(count > 10 && count <= 128)
    try writer.complete(list: job.list)
    #expect(try openFiles(in: temporary.sub("store")) == 0)
  }

  /// Two processes that take the lock in turn and remove its file when they are done: whoever opened
  /// the file before it was removed holds nothing, and must look again.
  @Test func removedLockFilesLetNobodyIn() async throws {
    let temporary = try TemporaryFolder()
    let path = temporary.sub("lock")
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<3 { group.addTask { await Self.compete(for: path) } }
    }
  }

  private static func compete(for path: String) async {
    await #expect(processExitsWith: .exitCode(42)) { [path = path as String] in
      var count = 0
      while count < 1500 {
        guard case .acquired(let lock) = try FileLock.acquire(path, contents: [1]) else { continue }
        let inside = open(path + ".inside", O_CREAT | O_EXCL, 0o600)
        if inside < 0 { exit(1) }
        close(inside)
        unlink(path + ".inside")
        unlink(path)
        lock.release()
        count += 1
      }
      exit(42)
    }
  }
}
