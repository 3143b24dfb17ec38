import Foundation
import TestSupport

/// Files that the command tests share, made once, and the arguments that use them.
enum CommandFixture {
  static let shared = Result {
    try ExtractionFixture(in: NSTemporaryDirectory() + "decaf-command-fixture-\(getpid())")
  }

  /// `extract LIST --model … --output store` and `options`.
  static func extract(
    _ store: String, list: String? = nil, model: String? = nil, _ options: String...
  ) throws -> [String] {
    let fixture = try shared.get()
    return ["extract", list ?? fixture.list, "--model", model ?? fixture.model, "--output", store]
      + options
  }

  /// A list of `count` rows that names the fixture's images again and again.
  static func longList(in folder: String, count: Int) throws -> String {
    let fixture = try shared.get()
    let good = (0..<ExtractionFixture.rowCount).filter { ExtractionFixture.failures[$0] == nil }
    let lines = (0..<count).map { "\(fixture.folder)/images/\(good[$0 % good.count]).jpg" }
    let path = "\(folder)/long.txt"
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// Waits until the job has journalled finished rows.
  static func waitForRecords(_ store: String, in running: Program.Running) {
    let deadline = Date(timeIntervalSinceNow: 60)
    while Date() < deadline, running.process.isRunning {
      let journal = FileManager.default.contents(atPath: "\(store)/journal") ?? Data()
      if journal.range(of: Data(" finished ".utf8)) != nil { return }
      usleep(10_000)
    }
  }
}
