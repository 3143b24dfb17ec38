import Foundation
import TestSupport
import Testing

/// Standard streams that are closed, full, or read by nobody.
@Suite struct StandardStreamTests {
  @Test(arguments: ["<&- >&- 2>&-", ">/dev/full 2>/dev/full", "2>&1 | head -c 1"])
  func extractionSurvivesStreamsThatTakeNothing(redirection: String) throws {
    try withTemporaryFolder { folder in
      let words = try CommandFixture.extract("\(folder)/store", "--progress", "line")
      let run = try Self.shell(words, redirection)
      #expect(run.status == 0)
      let verified = try Program.decaf.run(["verify", "\(folder)/store"])
      #expect(verified.status == 0, "\(verified.errors)")
    }
  }

  @Test(arguments: [
    "list FOLDER", "model inspect MODEL", "extract LIST --model MODEL --output o --dry-run",
  ])
  func aResultThatCannotBePrintedIsAnError(command: String) throws {
    let fixture = try CommandFixture.shared.get()
    let places = ["LIST": fixture.list, "MODEL": fixture.model, "FOLDER": fixture.folder]
    let words = command.split(separator: " ").map { places[String($0)] ?? String($0) }
    let run = try Self.shell(words, ">/dev/full")
    #expect(run.status == 73, "\(run.errors)")
    #expect(run.errors.contains("standard output"), "\(run.errors)")
  }

  /// Runs decaf from a shell, which does to its streams what `redirection` says.
  private static func shell(_ arguments: [String], _ redirection: String) throws -> Program.Run {
    let words = ([Program.decaf.path] + arguments).map { "'\($0)'" }
    return try Program(path: "/bin/sh", ranks: nil).run(
      ["-c", "\(words.joined(separator: " ")) \(redirection)"])
  }
}
