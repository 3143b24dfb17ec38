import Foundation
import TestSupport
import Testing

/// `decaf selftest`: every digest holds here, on any number of ranks, and a single one that differs shows.
@Suite struct SelfTestTests {
  @Test(arguments: [nil, 1, 3] as [Int?]) func thisInstallationIsGood(ranks: Int?) throws {
    let run = try Program.decaf.on(ranks: ranks).run(["selftest", "--threads", "2"])
    #expect(run.status == 0, "\(run.output)\n\(run.errors)")
    #expect(run.output.contains("this installation is good"), "\(run.output)")
    for part in ["decoder jpeg", "transform caffe", "engine caffenet", "trainer softmax", "store"] {
      #expect(run.output.contains(part), "\(run.output)")
    }
  }

  @Test func aSingleDigestThatDiffersIsNamed() throws {
    try withTemporaryFolder { folder in
      let printed = try Program.decaf.run(["selftest", "--print-digests"])
      try #require(printed.status == 0, "\(printed.errors)")
      var lines = printed.output.split(separator: "\n").map(String.init)
      let place = try #require(lines.firstIndex { $0.hasPrefix("decoder png|") })
      lines[place] = "decoder png|any|" + String(repeating: "0", count: 64)
      let file = "\(folder)/digests.txt"
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: file))
      let run = try Program.decaf.run(["selftest", "--digests", file])
      #expect(run.status == 70)
      let faults = run.output.split(separator: "\n").filter { $0.hasPrefix("fault: ") }
      #expect(faults.count == 1, "\(run.output)")
      #expect(faults.first?.hasPrefix("fault: decoder png, rank 0 on ") == true, "\(run.output)")
      let json = try Program.decaf.run(["selftest", "--digests", file, "--json"])
      let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
      #expect(object?["good"] as? Bool == false)
    }
  }

  @Test func digestsThatCannotBeReadAreRefused() throws {
    try withTemporaryFolder { folder in
      let file = "\(folder)/digests.txt"
      try Data("decoder\n".utf8).write(to: URL(fileURLWithPath: file))
      let run = try Program.decaf.run(["selftest", "--digests", file])
      #expect(run.status != 0 && run.errors.contains("line 1"), "\(run.errors)")
    }
  }
}
