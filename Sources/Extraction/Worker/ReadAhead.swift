internal import Files
internal import Foundation
internal import Images

/// Reads the files of coming images while the images before them are decoded and computed.
///
/// Files are begun in the order of `append`, a few at a time: a file server answers several requests
/// in the time of one. The bytes held are bounded, whatever the files' sizes.
final class ReadAhead: @unchecked Sendable {
  // Invariant behind `@unchecked`: every access to the variables holds `condition`.
  typealias File = Result<[UInt8], ImageError>

  private let condition = NSCondition()
  private let byteLimit: Int
  private let read: @Sendable (ByteString) -> File
  private var waiting: [(number: Int, location: ByteString)] = []
  private var ready: [Int: File] = [:]
  private var bytesHeld = 0
  private var appended = 0
  private var isClosed = false

  /// - Parameters:
  ///   - byteLimit: bytes of files read but not taken; one file a thread may always be held.
  ///   - threadCount: files read at a time.
  ///   - read: reads one.
  init(
    byteLimit: Int = 48 << 20, threadCount: Int = 4,
    _ read: @escaping @Sendable (ByteString) -> File = ReadAhead.read
  ) {
    self.byteLimit = byteLimit
    self.read = read
    for _ in 0..<threadCount {
      let thread = Thread { [weak self] in
        while let self, let next = self.nextToRead() {
          self.finish(next.number, self.read(next.location))
        }
      }
      thread.name = "decaf-read-ahead"
      thread.start()
    }
  }

  /// Asks for these files; returns the number of the first, the others follow.
  func append(_ locations: [ByteString]) -> Int {
    condition.withLock {
      let first = appended
      for location in locations {
        waiting.append((appended, location))
        appended += 1
      }
      condition.broadcast()
      return first
    }
  }

  /// The file with this number; waits until it is read. Each is taken once, lower numbers first or
  /// at the same time.
  func take(_ number: Int) -> File {
    condition.withLock {
      while ready[number] == nil { condition.wait() }
      let file = ready.removeValue(forKey: number)!
      bytesHeld -= Self.byteCount(file)
      condition.broadcast()
      return file
    }
  }

  /// Ends the reading thread.
  func close() {
    condition.withLock {
      isClosed = true
      condition.broadcast()
    }
  }

  private func nextToRead() -> (number: Int, location: ByteString)? {
    condition.withLock {
      while !isClosed && (waiting.isEmpty || (bytesHeld >= byteLimit && !ready.isEmpty)) {
        condition.wait()
      }
      return isClosed ? nil : waiting.removeFirst()
    }
  }

  private func finish(_ number: Int, _ file: File) {
    condition.withLock {
      ready[number] = file
      bytesHeld += Self.byteCount(file)
      condition.broadcast()
    }
  }

  @Sendable static func read(_ location: ByteString) -> File {
    Result { () throws(ImageError) in try ImageFile.read(location) }
  }

  private static func byteCount(_ file: File) -> Int { (try? file.get())?.count ?? 0 }
}
