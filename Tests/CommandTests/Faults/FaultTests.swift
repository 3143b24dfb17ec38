import Foundation
import TestSupport
import Testing

/// Jobs that are killed, stopped, crashed or starved, and what the same command does next.
@Suite(.serialized) struct FaultTests {
  private func contents(_ store: String) throws -> [String: Data] {
    try ExtractionFixture.contents(ofStore: store)
  }

  /// Makes a job of a few hundred images last long enough to be interrupted, on any machine.
  private static let slow = ["DECAF_FAULT_DELAY": "30"]

  /// How a running job is interrupted, and the status its launcher must return (nil: any but 0).
  struct Interruption: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let status: Int32?
    let strike: @Sendable (_ launcher: Int32) -> Void

    static let all = [
      Interruption(testDescription: "kill -9 of a worker", status: nil) { launcher in
        kill(Processes.ranks(of: launcher)[1] ?? launcher, SIGKILL)
      },
      Interruption(testDescription: "kill -9 of the coordinator", status: nil) { launcher in
        kill(Processes.ranks(of: launcher)[0] ?? launcher, SIGKILL)
      },
      Interruption(testDescription: "SIGTERM to mpirun", status: nil) { kill($0, SIGTERM) },
      Interruption(testDescription: "SIGUSR1 to mpirun", status: 75) { kill($0, SIGUSR1) },
    ]
  }

  @Test(arguments: Interruption.all, ["coordinator", "direct"])
  func interruptedJobContinuesToTheSameBytes(how: Interruption, gather: String) throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.longList(in: folder, count: 400)
      let plain = try Program.decaf.run(try CommandFixture.extract("\(folder)/plain", list: list))
      try #require(plain.status == 0, "\(plain.errors)")

      let store = "\(folder)/interrupted"
      let arguments = try CommandFixture.extract(
        store, list: list, "--batch", "4", "--gather", gather)
      let running = try Program.decaf.on(ranks: 2).start(arguments, environment: Self.slow)
      CommandFixture.waitForRecords(store, in: running)
      try #require(running.process.isRunning, "the job was over before the interruption")
      how.strike(running.process.processIdentifier)
      let struck = running.wait()
      #expect(struck.status != 0)
      if let status = how.status { #expect(struck.status == status, "\(struck.errors)") }

      let resumed = try Program.decaf.on(ranks: 3).run(arguments)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(resumed.errors.contains("rows are recorded already"), "\(resumed.errors)")
      #expect(try contents("\(folder)/plain") == contents(store))
    }
  }

  @Test func stopSignalToAPlainProcessKeepsEverything() throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.longList(in: folder, count: 300)
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(store, list: list, "--batch", "4")
      let running = try Program.decaf.start(arguments, environment: Self.slow)
      CommandFixture.waitForRecords(store, in: running)
      kill(running.process.processIdentifier, SIGINT)
      let stopped = running.wait()
      #expect(stopped.status == 75, "\(stopped.errors)")
      #expect(stopped.output.contains("the same command line continues"))
      #expect(try Program.decaf.run(arguments).status == 0)
    }
  }

  @Test func imageThatKillsItsProcessIsFoundOut() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(store, "--batch", "4")
      let fault = ["DECAF_FAULT_CRASH": "images/5.jpg"]
      let crashed = try Program.decaf.on(ranks: 2).run(arguments, environment: fault)
      #expect(crashed.status != 0)
      let resumed = try Program.decaf.on(ranks: 2).run(arguments, environment: fault)
      #expect(resumed.status == 0, "\(resumed.errors)")
      let rows = try String(contentsOfFile: "\(store)/rows.tsv", encoding: .utf8)
        .split(separator: "\n")
      let failed = rows.filter { $0.contains("\tfailed\t") }
      #expect(failed.count == ExtractionFixture.failures.count + 1)
      #expect(failed.contains { $0.hasPrefix("5\t") && $0.contains("SIGSEGV twice") }, "\(failed)")
    }
  }

  @Test func imageThatOnlyCrashedOnceIsExtractedAfterAll() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(store, "--batch", "4")
      let crashed = try Program.decaf.run(
        arguments, environment: ["DECAF_FAULT_CRASH": "images/5.jpg"])
      #expect(crashed.status != 0)
      #expect(try Program.decaf.run(arguments).status == 0)
      #expect(try Program.decaf.run(try CommandFixture.extract("\(folder)/plain")).status == 0)
      #expect(try contents("\(folder)/plain") == contents(store))
    }
  }

  @Test func silentWorkerIsNamedAndTheJobEnds() throws {
    try withTemporaryFolder { folder in
      let run = try Program.decaf.on(ranks: 2).run(
        try CommandFixture.extract("\(folder)/store", "--batch", "4", "--stall-timeout", "2"),
        environment: ["DECAF_FAULT_HANG": "images/5.jpg"], seconds: 60)
      #expect(run.status == 75, "\(run.errors)")
      #expect(run.errors.contains("have got no further"))
      #expect(run.errors.contains("images/5.jpg") || run.errors.contains("images/4.jpg"))
      #expect(run.errors.contains(ProcessInfo.processInfo.hostName))
    }
  }

  /// It ends the job once; then it is found guilty in a process of its own, which ends as well.
  @Test func imageThatHangsBecomesAFailedRow() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(store, "--batch", "4", "--image-timeout", "1.5")
      let hang = ["DECAF_FAULT_HANG": "images/5.jpg"]
      let first = try Program.decaf.on(ranks: 2).run(arguments, environment: hang, seconds: 60)
      #expect(first.status == 75, "\(first.errors)")
      #expect(first.errors.contains("images/5.jpg: has been decoded for more than 1.5 s"))
      let second = try Program.decaf.run(arguments, environment: hang, seconds: 60)
      #expect(second.status == 0, "\(second.errors)")
      let rows = try String(contentsOfFile: "\(store)/rows.tsv", encoding: .utf8)
        .split(separator: "\n")
      let failed = rows.filter { $0.contains("\tfailed\t") }
      #expect(failed.count == ExtractionFixture.failures.count + 1)
      #expect(failed.contains { $0.hasPrefix("5\t") && $0.contains("hangs: decoding it took") })
    }
  }

  @Test func secondJobOnTheSameStoreIsRefused() throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.longList(in: folder, count: 400)
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(store, list: list, "--batch", "4")
      let first = try Program.decaf.start(arguments, environment: Self.slow)
      CommandFixture.waitForRecords(store, in: first)
      let second = try Program.decaf.run(arguments)
      #expect(second.status == 73)
      #expect(
        second.errors.contains("process \(first.process.processIdentifier)"), "\(second.errors)")
      #expect(first.wait().status == 0)
    }
  }

  @Test func fullDiskKeepsWhatIsRecorded() throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.longList(in: folder, count: 200)
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(store, list: list, "--batch", "4")
      // 4 MiB a file: pool5 of 200 rows takes 7 MiB.
      let limited = Program(path: "/bin/bash", ranks: nil)
      let run = try limited.run(
        ["-c", "ulimit -f 4096; exec \"$@\"", "bash", Program.decaf.path] + arguments)
      #expect(run.status == 73, "\(run.errors)")
      #expect(run.errors.contains("pool5"))
      let resumed = try Program.decaf.on(ranks: 2).run(arguments)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(try Program.decaf.run(["verify", store]).status == 0)
    }
  }
}

/// Looks at the processes of this machine.
enum Processes {
  /// Process numbers by rank of the programs that an `mpirun` has started.
  static func ranks(of launcher: Int32) -> [Int: Int32] {
    var result: [Int: Int32] = [:]
    for child in descendants(of: launcher) {
      let environment = FileManager.default.contents(atPath: "/proc/\(child)/environ") ?? Data()
      let name = FileManager.default.contents(atPath: "/proc/\(child)/comm") ?? Data()
      guard name.starts(with: Data("decaf".utf8)) else { continue }
      for entry in environment.split(separator: 0) {
        let text = String(decoding: entry, as: UTF8.self)
        if text.hasPrefix("OMPI_COMM_WORLD_RANK="), let rank = Int(text.split(separator: "=")[1]) {
          result[rank] = child
        }
      }
    }
    return result
  }

  private static func descendants(of process: Int32) -> [Int32] {
    let tasks =
      (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
    return tasks.flatMap { task -> [Int32] in
      let path = "/proc/\(process)/task/\(task)/children"
      let text = String(
        decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
      return text.split(separator: " ").compactMap { Int32($0) }.flatMap {
        [$0] + descendants(of: $0)
      }
    }
  }
}
