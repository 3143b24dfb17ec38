import Files
import Foundation
import TestSupport
import Testing

/// Files that change while they are mapped.
@Suite struct MappedFileTests {
  private func file(_ count: Int, in folder: String) throws -> String {
    let bytes = [UInt8]((0..<count).map { UInt8(truncatingIfNeeded: $0 % 255 + 1) })
    let path = "\(folder)/file"
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  @Test func anUntouchedFileIsUnchanged() throws {
    try withTemporaryFolder { folder in
      let path = try file(10_000, in: folder)
      let mapped = try MappedFile(path)
      #expect(mapped.bytes(9_000..<9_002) == [76, 77])
      try mapped.input.requireUnchanged()
      try [mapped.input, try InputFile(path)].requireUnchanged()
    }
  }

  /// Reading beyond the new end, which would be SIGBUS, gives zeros, also from several threads.
  @Test(arguments: [0, 1, 4096, 5000]) func aFileCutShortReadsAsZeros(newCount: Int) throws {
    try withTemporaryFolder { folder in
      let path = try file(3_000_000, in: folder)
      let mapped = try MappedFile(path)
      let other = try MappedFile(path)
      #expect(truncate(path, off_t(newCount)) == 0)
      DispatchQueue.concurrentPerform(iterations: 4) { part in
        let start = 10_000 + part * 700_000
        #expect(mapped.bytes(start..<start + 700_000).allSatisfy { $0 == 0 })
      }
      if newCount > 1 { #expect(mapped.bytes(0..<2) == [1, 2]) }
      #expect(other.bytes(2_999_999..<3_000_000) == [0])
      let error = #expect(throws: InputChangedError.self) { try mapped.input.requireUnchanged() }
      #expect(error?.change == "it has \(newCount) bytes, had 3000000")
      #expect(error?.exitStatus == .badInput)
      #expect(error?.description.contains(path) ?? false)
    }
  }

  /// Size, number and time are what they were again: that bytes were missed is not forgotten.
  @Test func lostBytesAreRemembered() throws {
    try withTemporaryFolder { folder in
      let path = try file(100_000, in: folder)
      let contents = try #require(FileManager.default.contents(atPath: path))
      var times = stat()
      stat(path, &times)
      var mapped: MappedFile? = try MappedFile(path)
      let input = try #require(mapped?.input)
      truncate(path, 10)
      #expect(mapped?.bytes(99_999..<100_000) == [0])
      let handle = try #require(FileHandle(forWritingAtPath: path))
      try handle.write(contentsOf: contents)
      try handle.close()
      let old = [times.st_atim, times.st_mtim]
      #expect(utimensat(AT_FDCWD, path, old, 0) == 0)
      try InputFile(path).requireUnchanged()
      mapped = nil  // the map may be gone, what became of it is not
      #expect(throws: InputChangedError.self) { try input.requireUnchanged() }
    }
  }

  /// What can happen to a file, and how the message tells.
  struct Change: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let make: @Sendable (_ path: String) throws -> Void

    static let all = [
      Change(testDescription: "it was written") { path in
        let handle = FileHandle(forWritingAtPath: path)
        try handle?.write(contentsOf: [7])
        try handle?.close()
      },
      Change(testDescription: "it has 101 bytes, had 100") { path in
        let handle = FileHandle(forWritingAtPath: path)
        try handle?.seekToEnd()
        try handle?.write(contentsOf: [7])
        try handle?.close()
      },
      Change(testDescription: "another file took its place") { path in
        try Data(repeating: 1, count: 100).write(to: URL(filePath: path + ".new"))
        rename(path + ".new", path)
      },
      Change(testDescription: "it is not there any more") { path in unlink(path) },
    ]
  }

  @Test(arguments: Change.all) func aChangeIsToldInWords(change: Change) throws {
    try withTemporaryFolder { folder in
      let path = try file(100, in: folder)
      // Times of files are as fine as the system's clock tick.
      let past = timespec(tv_sec: 1_000_000_000, tv_nsec: 5)
      utimensat(AT_FDCWD, path, [past, past], 0)
      let inputs = [try MappedFile(path).input, try InputFile(path)]
      try change.make(path)
      for input in inputs {
        let error = #expect(throws: InputChangedError.self) { try input.requireUnchanged() }
        #expect(error?.change == change.testDescription)
      }
    }
  }

  /// Handles are used again, in any order, and none is taken for another.
  @Test func manyMapsComeAndGo() throws {
    try withTemporaryFolder { folder in
      let path = try file(8192, in: folder)
      for round in 0..<20 {
        var maps = try (0..<50).map { _ in try MappedFile(path) }
        maps.removeSubrange(round..<round + 20)
        #expect(maps.allSatisfy { $0.bytes(8190..<8192) == [31, 32] })
      }
      try MappedFile(path).input.requireUnchanged()
    }
  }
}
