import Foundation
import TestSupport
import Testing

/// What `decaf info` says of everything that decaf reads and writes.
@Suite struct InfoTests {
  private func info(_ path: String, _ mentions: String...) throws {
    let run = try Program.decaf.run(["info", path])
    #expect(run.status == 0, "\(run.errors)")
    for mention in mentions { #expect(run.output.contains(mention), "\(path): \(run.output)") }
    let json = try Program.decaf.run(["info", path, "--json"])
    let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
    let kind = try #require(object?["is"] as? String)
    #expect(run.output.contains(kind))
  }

  @Test func everythingIsToldByItsHeaders() throws {
    try withTemporaryFolder { folder in
      let fixture = try CommandFixture.shared.get()
      let store = "\(folder)/store"
      let made = try Program.decaf.run(try CommandFixture.extract(store))
      try #require(made.status == 0, "\(made.errors)")
      try info(store, "a store, complete", "23", "pool5 (", "float32", "center")
      let classifier = "\(folder)/classifier"
      _ = try Program.decaf.run(["train", store, "--layer", "pool5", "--output", classifier])
      try info(classifier, "a classifier", "softmax", "pool5")
      try info(fixture.model, "weights")
      try info(fixture.list, "a list of images", "23")
      try info("\(fixture.folder)/images/0.jpg", "JPEG")

      // No number is read: a store whose rows are gone is still told what it is.
      try FileManager.default.removeItem(atPath: "\(store)/pool5.npy")
      try info(store, "a store, complete")
      try Data("{".utf8).write(to: URL(fileURLWithPath: "\(store)/store.json"))
      let damaged = try Program.decaf.run(["info", store])
      #expect(damaged.status == 65 && damaged.errors.contains("damaged"), "\(damaged.errors)")
    }
  }

  @Test func unfinishedStoresTellHowFarTheyAre() throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.longList(in: folder, count: 200)
      let store = "\(folder)/store"
      let running = try Program.decaf.on(ranks: nil).start(
        try CommandFixture.extract(store, list: list, "--batch", "2"),
        environment: ["DECAF_FAULT_DELAY": "100"])
      CommandFixture.waitForRecords(store, in: running)
      try info(store, "a store, unfinished", "200", "recorded", "process")
      kill(running.process.processIdentifier, SIGKILL)
      _ = running.wait()
      try info(store, "a store, unfinished", "nobody now")
    }
  }

  @Test func whatIsMissingIsRefused() throws {
    try withTemporaryFolder { folder in
      for path in ["\(folder)/nothing", folder] {
        let run = try Program.decaf.run(["info", path])
        #expect(run.status == 65 && run.errors.contains(path), "\(run.errors)")
      }
    }
  }
}
