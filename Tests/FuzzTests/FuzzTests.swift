import Files
import Foundation
import TestSupport
import Testing

/// Damaged files end in a value or in an error: never in a trap, an endless loop, or memory beyond
/// what the file's size explains.
///
/// `Scripts/fuzz` runs the same with more cases: the environment variables `DECAF_FUZZ_CASES`,
/// `DECAF_FUZZ_SEED`, `DECAF_FUZZ_FIRST` (the first case's number) and `DECAF_FUZZ_PARSER` say what.
@Suite(.serialized) struct FuzzTests {
  private static let settings = ProcessInfo.processInfo.environment

  private static func setting(_ name: String, default value: Int) -> Int {
    settings["DECAF_FUZZ_\(name)"].flatMap { Int($0) } ?? value
  }

  /// What a case may need beyond what the process has had before: a file of 128 KiB may expand to 132
  /// MiB by deflate, and a line of svmlight stands for a row of 64 MiB; each may be held three times.
  private static let growthLimit = 512 << 20

  private static let chosen: [FuzzTarget] = {
    let name = settings["DECAF_FUZZ_PARSER"]
    return FuzzTarget.all.filter { name == nil || $0.name == name }
  }()

  /// In memory where the system offers that: a case writes a file or two.
  private static func withFolder(_ body: (String) throws -> Void) throws {
    let memory = "/dev/shm"
    guard FileManager.default.isWritableFile(atPath: memory) else {
      return try withTemporaryFolder(body)
    }
    let path = "\(memory)/decaf-fuzz-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  @Test func theParserAskedForIsThere() {
    #expect(!Self.chosen.isEmpty, "known parsers: \(FuzzTarget.all)")
  }

  @Test(arguments: chosen)
  func damageEndsInAValueOrAnError(_ target: FuzzTarget) throws {
    let count = Self.setting("CASES", default: 300)
    let seed = UInt64(Self.setting("SEED", default: 1))
    let first = Self.setting("FIRST", default: 0)
    if Self.settings["DECAF_FUZZ_CASES"] != nil { FuzzGuard.limitMemory(toMegabytes: 6 << 10) }
    FuzzGuard.install()
    let start = ContinuousClock.now
    var valueCount = 0
    try Self.withFolder { folder in
      let seeds = try target.seeds.make(folder)
      for bytes in seeds {
        do { try target.parse(bytes, folder) } catch {
          Issue.record("\(target): a sound file is refused: \(error)")
        }
      }
      for caseNumber in first..<first + count {
        var mutator = Mutator(seeds, seed: seed, caseNumber: caseNumber)
        let bytes = mutator.mutated()
        let before = FuzzGuard.peakMemory
        FuzzGuard.begin(target.name, seed: seed, caseNumber: caseNumber)
        do {
          try target.parse(bytes, folder)
          valueCount += 1
        } catch {
          // Every refusal says something.
          #expect(!"\(error)".isEmpty, "\(target), seed \(seed), case \(caseNumber)")
        }
        FuzzGuard.end()
        let growth = FuzzGuard.peakMemory - before
        if growth > Self.growthLimit {
          Issue.record("\(target), seed \(seed), case \(caseNumber): \(growth >> 20) MiB")
        }
      }
    }
    if Self.settings["DECAF_FUZZ_CASES"] != nil {
      let line =
        "fuzz: \(target): \(count) cases of seed \(seed), \(valueCount) gave a value, "
        + "\(count - valueCount) an error; \(ContinuousClock.now - start)\n"
      FileHandle.standardError.write(Data(line.utf8))
    }
  }
}
