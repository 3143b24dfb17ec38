import Foundation
import TestSupport
import Testing

/// The job files of `Cluster/kubernetes`: no cluster is here to run them, but their commands are decaf's.
@Suite struct ManifestTests {
  private static let folder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
    .appendingPathComponent("Cluster/kubernetes").path

  private func lines(_ name: String) throws -> [String] {
    try String(contentsOfFile: "\(Self.folder)/\(name)", encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// The items of the one list called `args`.
  private func arguments(_ lines: [String]) throws -> [String] {
    let start = try #require(lines.firstIndex(of: "args:"))
    return lines[(start + 1)...].prefix { $0.hasPrefix("- ") }.map {
      $0.dropFirst(2).trimmingCharacters(in: CharacterSet(charactersIn: "\""))
    }
  }

  private func number(_ key: String, _ lines: [String]) throws -> Int {
    let values = lines.filter { $0.hasPrefix("\(key): ") }.map { $0.dropFirst(key.count + 2) }
    return try #require(values.compactMap { Int($0) }.max())
  }

  @Test(arguments: [
    ("mpijob.yaml", "replicas", "slotsPerWorker"), ("trainjob.yaml", "numNodes", "numProcPerNode"),
  ])
  func commandsArePlannedAndRanksFillTheSlots(name: String, nodes: String, slots: String) throws {
    let lines = try lines(name)
    let arguments = try arguments(lines)
    #expect(arguments.first == "mpirun")
    let count = try #require(arguments.firstIndex(of: "-np")) + 1
    #expect(Int(arguments[count]) == (try number(nodes, lines)) * (try number(slots, lines)))
    let program = try #require(arguments.firstIndex(of: "decaf"))
    let fixture = try CommandFixture.shared.get()
    try withTemporaryFolder { folder in
      let own = [
        "/images/list.txt": fixture.list, "/images/full.caffemodel": fixture.model,
        "/features/images.store": "\(folder)/store",
      ]
      let command = arguments[(program + 1)...].map { own[$0] ?? $0 }
      #expect(Set(own.values).isSubset(of: command), "the files are as the guide has them")
      let plan = try Program.decaf.run(command + ["--dry-run", "--layers", "pool5"])
      #expect(plan.status == 0, "\(plan.errors)")
    }
  }

  /// What a job names, its runtime provides.
  @Test func jobAndRuntimeAgree() throws {
    let (runtime, job) = (try lines("runtime.yaml"), try lines("trainjob.yaml"))
    let name = try #require(runtime.first { $0.hasPrefix("name: ") })
    #expect(job.contains(name) && job.contains("kind: ClusterTrainingRuntime"))
    #expect(try number("numNodes", runtime) == number("numNodes", job))
    #expect(try number("numProcPerNode", runtime) == number("numProcPerNode", job))
    for claim in ["claimName: images", "claimName: features"] {
      #expect(runtime.contains { $0.contains(claim) })
    }
  }
}
