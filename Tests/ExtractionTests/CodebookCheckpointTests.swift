import Communication
import Files
import Foundation
import TestSupport
import Testing

@testable import Extraction

/// What is written by some ranks is taken up by others.
@Suite struct CodebookCheckpointTests {
  private static let job = JSONValue.object(["seed": .number(4)])

  /// Image i gives i % 4 descriptors; some failed, some are not looked at yet.
  private static func outcome(_ image: Int, _ phase: CodebookProgress.Phase) -> Int {
    if image % 5 == 1 { return CodebookProgress.hasFailed }
    return phase == .images && image % 7 == 3 ? CodebookProgress.isMissing : image % 4
  }

  private static func progress(
    _ images: Range<Int>, _ phase: CodebookProgress.Phase
  ) -> CodebookProgress {
    var progress = CodebookProgress(imageCount: images.count)
    progress.phase = phase
    progress.outcomes = images.map { outcome($0, phase) }
    progress.pieces = images.map { image in
      (0..<max(outcome(image, phase), 0) * 128).map { Float(1000 * image + $0) }
    }.filter { !$0.isEmpty }
    if let first = images.first(where: { outcome($0, phase) == CodebookProgress.hasFailed }) {
      progress.failure = .init(image: first, text: "image \(first)")
    }
    if phase != .images { progress.words = (0..<256).map { Float($0) / 3 } }
    if phase == .words {
      progress.squares = images.flatMap { image in
        (0..<max(outcome(image, phase), 0)).map { Int64(image << 40 + $0) }
      }
    }
    if phase == .passes { (progress.passes, progress.meanSquare) = (3, 1.0 / 3) }
    return progress
  }

  private static func checkpointer(
    _ path: String, _ communicator: any Communicator, stop: String? = nil, startsAnew: Bool = false,
    job: JSONValue = Self.job
  ) -> CodebookCheckpointer {
    CodebookCheckpointer(
      path, job: job,
      .init(interval: .seconds(1000), startsAnew: startsAnew, stopReason: { stop }),
      communicator: communicator, requireSoundInputs: {})
  }

  @Test(arguments: [CodebookProgress.Phase.images, .words, .passes], [(1, 3), (4, 1), (3, 5)])
  func otherRanksGoOn(phase: CodebookProgress.Phase, ranks: (Int, Int)) throws {
    try withTemporaryFolder { folder in
      let (path, count) = ("\(folder)/words.checkpoint", 23)
      _ = try InProcessCommunicator.run(size: ranks.0) { communicator in
        let own = CodebookProgress.images(of: communicator.rank, of: ranks.0, count: count)
        // Only the last rank is asked to stop: all do.
        let stop = communicator.rank == ranks.0 - 1 ? "a test" : nil
        #expect(throws: CodebookStopped.self) {
          try Self.checkpointer(path, communicator, stop: stop).pause {
            Self.progress(own, phase)
          }
        }
      }
      _ = try InProcessCommunicator.run(size: ranks.1) { communicator in
        let own = CodebookProgress.images(of: communicator.rank, of: ranks.1, count: count)
        let found = try #require(
          try Self.checkpointer(path, communicator).resume(imageCount: count))
        let expected = Self.progress(own, phase)
        #expect(found.phase == phase && found.outcomes == expected.outcomes)
        #expect(found.pieces == expected.pieces && found.words == expected.words)
        #expect(found.squares == expected.squares && found.passes == expected.passes)
        #expect(found.meanSquare == expected.meanSquare)
        // The first failure of all is rank 0's or that of the rank that has its image.
        #expect(found.failure?.image == (own.contains(1) ? 1 : nil))
      }
    }
  }

  @Test func noReasonWritesNothing() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/words.checkpoint"
      let alone = InProcessCommunicator.alone()
      try Self.checkpointer(path, alone).pause { Self.progress(0..<4, .images) }
      #expect(!FileManager.default.fileExists(atPath: path))
      #expect(try Self.checkpointer(path, alone).resume(imageCount: 4) == nil)
    }
  }

  @Test func otherAndDamagedOnesAreRefused() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/words.checkpoint"
      let alone = InProcessCommunicator.alone()
      try Self.checkpointer(path, alone).write(Self.progress(0..<9, .words))
      func failure(_ job: JSONValue, images: Int) -> JobFailure? {
        do {
          _ = try Self.checkpointer(path, alone, job: job).resume(imageCount: images)
          return nil
        } catch { return error as? JobFailure }
      }
      let other = failure(.object(["seed": .number(5)]), images: 9)
      #expect(other?.exitStatus == .cannotCreate)
      #expect(other?.description.contains("seed: the checkpoint has 4, this command 5") == true)
      #expect(failure(Self.job, images: 8)?.exitStatus == .badInput)
      #expect(failure(Self.job, images: 9) == nil)
      var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      bytes[bytes.count / 2] ^= 1
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      #expect(failure(Self.job, images: 9)?.description.contains("damaged") == true)
      #expect(
        try Self.checkpointer(path, alone, startsAnew: true).resume(imageCount: 9) == nil)
    }
  }
}
