import Glibc
import TestSupport
import Testing

@testable import Files

/// The order in which changes reach the disk, outside stores: what a crash at any instant leaves.
@Suite struct DurabilityTests {
  /// Everything written, then on the device, then named, then the name on the device.
  @Test func aFileIsDurableBeforeItsNameAndTheNameBeforeCommitReturns() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/x"
      let found = try DiskProbe.changes {
        let file = try ReplacementFile(path)
        try file.append([1, 2])
        try file.append([Float(1)].span)
        try file.append([3])
        try file.commit()
      }
      #expect(
        found == [
          .write(path + ".partial"), .write(path + ".partial"), .write(path + ".partial"),
          .synchronize(path + ".partial"), .rename(path + ".partial", to: path),
          .synchronizeFolder(folder),
        ])
    }
  }

  /// Where the name is a link, the folder of the file it leads to.
  @Test func theFolderOfTheFileItselfIsSynchronized() throws {
    try withTemporaryFolder { folder in
      try FileSystem.makeFolder("\(folder)/real")
      _ = try writeTestFile([9], "file", in: "\(folder)/real")
      #expect(symlinked("real/file", "\(folder)/link"))
      let found = try DiskProbe.changes {
        let file = try ReplacementFile("\(folder)/link")
        try file.append([1])
        try file.commit()
      }
      guard case .synchronizeFolder(let last)? = found.last else {
        Issue.record("\(found)")
        return
      }
      #expect(last.hasSuffix("/real"))
    }
  }

  @Test func foldersAreMadeFromTheTopAndEachIsDurable() throws {
    try withTemporaryFolder { folder in
      let found = try DiskProbe.changes { try FileSystem.makeFolder("\(folder)/a/b") }
      #expect(found == [.synchronizeFolder(folder), .synchronizeFolder("\(folder)/a")])
      #expect(try DiskProbe.changes { try FileSystem.makeFolder("\(folder)/a/b") } == [])
    }
  }

  /// Ranks on other nodes read the lock file: it is written and synchronized before anyone is told.
  @Test func aLockIsWrittenBeforeItIsHeld() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/lock"
      let found = try DiskProbe.changes {
        guard case .acquired(let lock) = try FileLock.acquire(path, contents: [1]) else {
          Issue.record("not acquired")
          return
        }
        lock.release()
      }
      #expect(found == [.write(path), .synchronize(path)])
    }
  }

  @Test func whatIsNotCommittedIsGone() throws {
    try withTemporaryFolder { folder in
      let found = try DiskProbe.changes {
        let file = try ReplacementFile("\(folder)/x")
        try file.append([Float](repeating: 1, count: 3).span)
      }
      #expect(found == [.write("\(folder)/x.partial")])
      #expect(try FileSystem.names(in: folder) == [])
    }
  }

  private func symlinked(_ target: String, _ path: String) -> Bool { symlink(target, path) == 0 }
}
