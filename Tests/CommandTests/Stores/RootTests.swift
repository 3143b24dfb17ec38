import Foundation
import TestSupport
import Testing

/// Where the images are: the wrong folder, another one, and what a dry run says of it.
@Suite struct RootTests {
  /// Relative paths of good images in `folder/list.txt`, again and again.
  private func list(in folder: String, rows: Int) throws -> String {
    let good = (0..<ExtractionFixture.rowCount).filter { ExtractionFixture.failures[$0] == nil }
    let lines = (0..<rows).map { "images/\(good[$0 % good.count]).jpg" }
    let path = "\(folder)/list.txt"
    try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func anotherRootIsRefusedUnlessItIsSaidToBeTheSame() throws {
    try withTemporaryFolder { folder in
      let fixture = try CommandFixture.shared.get()
      let list = try list(in: folder, rows: 5)
      let moved = "\(folder)/moved"
      try FileManager.default.copyItem(atPath: fixture.folder, toPath: moved)
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/link", withDestinationPath: fixture.folder)
      let store = "\(folder)/store"
      let command = try CommandFixture.extract(store, list: list)
      func run(_ options: String...) throws -> Program.Run {
        try Program.decaf.run(command + options)
      }
      #expect(try run("--root", fixture.folder).status == 0)
      // However it is spelled.
      for root in [fixture.folder + "/", fixture.folder + "/images/..", "\(folder)/link"] {
        let again = try run("--root", root)
        #expect(again.status == 0 && again.output.contains("complete already"), "\(again.errors)")
      }
      for options in [["--root", moved], []] {
        let other = try Program.decaf.run(command + options)
        #expect(other.status == 73, "\(other.errors)")
        for text in [fixture.folder, options.last ?? folder, "--moved", "--root"] {
          #expect(other.errors.contains(text), "\(other.errors)")
        }
      }
      #expect(try run("--root", moved, "--moved").status == 0)
      let record = try #require(FileManager.default.contents(atPath: "\(store)/runs/0001.json"))
      #expect(String(decoding: record, as: UTF8.self).contains("\"root\": \""))
      let manifest = try #require(FileManager.default.contents(atPath: "\(store)/store.json"))
      #expect(!String(decoding: manifest, as: UTF8.self).contains(fixture.folder))
    }
  }

  /// To a list of absolute paths no root is anything.
  @Test func listsOfAbsolutePathsMayLieAnywhere() throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.longList(in: folder, count: 5)
      let other = "\(folder)/other"
      try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: list, toPath: "\(other)/long.txt")
      let store = "\(folder)/store"
      #expect(try Program.decaf.run(try CommandFixture.extract(store, list: list)).status == 0)
      let again = try Program.decaf.run(
        try CommandFixture.extract(store, list: "\(other)/long.txt"))
      #expect(again.status == 0 && again.output.contains("complete already"), "\(again.errors)")
    }
  }

  /// On every rank, soon, and without a store of NaN; with the right root the same command works.
  @Test(arguments: [nil, 2]) func aWrongRootEndsTheJob(ranks: Int?) throws {
    try withTemporaryFolder { folder in
      let fixture = try CommandFixture.shared.get()
      let list = try list(in: folder, rows: 300)
      let store = "\(folder)/store"
      let command = try CommandFixture.extract(store, list: list)
      let wrong = try Program.decaf.on(ranks: ranks).run(command + ["--root", "\(folder)/none"])
      #expect(wrong.status == 65, "\(wrong.errors)")
      for text in ["images all failed on", "\(folder)/none", "--root", "--retry-failed"] {
        #expect(wrong.errors.contains(text), "\(wrong.errors)")
      }
      #expect(!FileManager.default.fileExists(atPath: "\(store)/store.json"))
      let right = try Program.decaf.on(ranks: ranks).run(command + ["--root", fixture.folder])
      #expect(right.status == 0, "\(right.errors)")
      #expect(right.output.contains("300 of 300 rows, 300 of them now"), "\(right.output)")
    }
  }

  @Test func failuresAtTheEndSayWhatHelps() throws {
    try withTemporaryFolder { folder in
      let run = try Program.decaf.run(try CommandFixture.extract("\(folder)/store"))
      #expect(run.status == 0)
      let lines = run.output.split(separator: "\n")
      #expect(lines[1].contains("failed: 2 × not a JPEG"), "\(run.output)")
      let fixture = try CommandFixture.shared.get()
      #expect(run.output.contains("not there under \(fixture.folder): 1; --root"), "\(run.output)")
      #expect(run.output.contains("--retry-failed"))
      let limited = try Program.decaf.run(
        try CommandFixture.extract("\(folder)/limited", "--max-failures", "2"))
      #expect(limited.status == 65 && limited.errors.contains("--max-failures 2"))
    }
  }

  @Test func aDryRunOpensSomeImages() throws {
    try withTemporaryFolder { folder in
      let fixture = try CommandFixture.shared.get()
      let command = try CommandFixture.extract("\(folder)/store", "--dry-run")
      let sound = try Program.decaf.run(command)
      #expect(sound.status == 0, "\(sound.errors)")
      for text in [
        "sample      23 images: 22 can be read, 18 decoded", "pixels",
        "row 3, images/3.jpg: cannot open the file", "and 2 more that cannot be used",
        "root        \(fixture.folder)",
      ] { #expect(sound.output.contains(text), "\(sound.output)") }
      let wrong = try Program.decaf.run(command + ["--root", folder])
      #expect(wrong.status == 65)
      #expect(wrong.output.contains("23 images: 0 can be read, 0 decoded"), "\(wrong.output)")
      #expect(wrong.errors.contains(folder) && wrong.errors.contains("--root"), "\(wrong.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/store"))
    }
  }
}
