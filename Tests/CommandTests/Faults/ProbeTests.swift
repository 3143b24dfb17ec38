import Foundation
import TestSupport
import Testing

/// Images that crash their process now and then: which are accused, and which are not.
@Suite(.serialized) struct ProbeTests {
  /// A fault that strikes so many times, of all processes.
  private func fault(_ text: String, times: Int, in folder: String) -> [String: String] {
    ["DECAF_FAULT_CRASH": text, "DECAF_FAULT_CRASH_COUNT": "\(folder)/tally:\(times)"]
  }

  private func failures(_ store: String) throws -> [Int: String] {
    let rows = try String(contentsOfFile: "\(store)/rows.tsv", encoding: .utf8)
      .split(separator: "\n").filter { $0.contains("\tfailed\t") }
    return Dictionary(
      uniqueKeysWithValues: try rows.map {
        let fields = $0.split(separator: "\t", omittingEmptySubsequences: false)
        return (try #require(Int(fields[0])), String(fields[4]))
      })
  }

  /// The job crashes, and of the two probes the first alone: an accident, not the image's fault.
  @Test func aProbeThatCrashesOnceAccusesNobody() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(store, "--batch", "4")
      let fault = fault("images/5.jpg", times: 2, in: folder)
      #expect(try Program.decaf.run(arguments, environment: fault).status != 0)
      let resumed = try Program.decaf.run(arguments, environment: fault)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(FileManager.default.contents(atPath: "\(folder)/tally")?.count == 2, "it was probed")
      #expect(try Program.decaf.run(try CommandFixture.extract("\(folder)/plain")).status == 0)
      #expect(
        try ExtractionFixture.contents(ofStore: "\(folder)/plain")
          == ExtractionFixture.contents(ofStore: store))
    }
  }

  @Test func aProbeThatCrashesTwiceAccusesItsImageAlone() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(store, "--batch", "4")
      let fault = fault("images/5.jpg", times: 3, in: folder)
      #expect(try Program.decaf.run(arguments, environment: fault).status != 0)
      let resumed = try Program.decaf.run(arguments, environment: fault)
      #expect(resumed.status == 0, "\(resumed.errors)")
      let failures = try failures(store)
      #expect(failures.count == ExtractionFixture.failures.count + 1)
      #expect(failures[5]?.contains("SIGSEGV twice") == true, "\(failures)")
    }
  }

  /// SIGKILL comes from outside, of whoever runs out of memory: no image is accused of it, however
  /// often.
  @Test func aProbeThatIsKilledAccusesNobody() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(store, "--batch", "4")
      let fault = fault("images/5.jpg", times: 3, in: folder)
        .merging(["DECAF_FAULT_CRASH_SIGNAL": "\(SIGKILL)"]) { $1 }
      // The job, then its probe and the job again: of two probes that are killed, there is but one.
      for _ in 0..<2 {
        #expect(try Program.decaf.run(arguments, environment: fault).status != 0)
      }
      let resumed = try Program.decaf.run(arguments, environment: fault)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(try failures(store).count == ExtractionFixture.failures.count)
    }
  }

  /// Restarted with smaller batches, every one that has rows in flight then is probed: the image is
  /// found though it is in the second.
  @Test(arguments: ["1", "2", "3"]) func suspectsAreProbedInBatchesOfAnySize(batch: String) throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      let fault = ["DECAF_FAULT_CRASH": "images/7.jpg"]
      let first = try Program.decaf.run(
        try CommandFixture.extract(store, "--batch", "8"), environment: fault)
      #expect(first.status != 0)
      let resumed = try Program.decaf.run(
        try CommandFixture.extract(store, "--batch", batch), environment: fault)
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(try failures(store)[7]?.contains("SIGSEGV twice") == true)
    }
  }
}
