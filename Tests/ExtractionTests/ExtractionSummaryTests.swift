import ConvNet
import Foundation
import Testing

@testable import Extraction

/// What a run says of itself: within 80 columns, failures first, and short on any number of ranks.
@Suite struct ExtractionSummaryTests {
  private func summary(ranks: Int, scale: Double) -> ExtractionSummary {
    var summary = ExtractionSummary()
    summary.rows = 1_000_000
    summary.rowsNow = 1_000_000
    summary.elapsedSeconds = 1000 * scale
    summary.prepareSeconds = 3 * scale
    summary.gatherSeconds = 20 * scale
    summary.writeSeconds = 30 * scale
    summary.failures = ["cannot open the file": 12, "truncated": 300]
    summary.missingFiles = 12
    summary.root = "/images"
    summary.countsReadElsewhere = ["node-17": 3]
    summary.warnings = 5
    for rank in 0..<ranks {
      var timing = WorkTiming()
      timing.images = 1000 * (rank + 1)
      for part in WorkTiming.parts { timing[keyPath: part] = Double(rank + 1) * scale }
      timing.layers = ["conv1", "conv2/3x3_reduce", "fc6", "fc7", "fc8", "prob", "pool5"].map {
        LayerTime(layer: $0, seconds: scale)
      }
      summary.ranks.append((rank, "node-\(rank).cluster.example.org", timing))
    }
    return summary
  }

  @Test(arguments: [1, 2, 8, 9, 1000], [0.0, 0.001, 1, 77.7, 9_999, 400_000])
  func everyLineFitsATerminal(ranks: Int, scale: Double) {
    let summary = summary(ranks: ranks, scale: scale)
    let lines = (summary.text(store: "store") + "\n" + summary.advice).split(separator: "\n")
    for line in lines { #expect(line.count <= 80, "\(line)") }
    #expect(lines.count < 25)
    #expect(lines[1].contains("failed: 300 × truncated"))
    #expect(lines[2].contains("failed: 12 × cannot open the file"))
    #expect(lines[3].contains("not read on node-17, but on another host: 3"))
    #expect(lines.contains { $0.contains("not there under /images: 12; --root") })
    #expect(lines.last?.contains("--retry-failed") ?? false)
  }

  @Test func manyRanksFoldToLeastMiddleAndLargest() throws {
    let lines = summary(ranks: 9, scale: 1).text(store: "store").split(separator: "\n")
    let header = try #require(lines.firstIndex { $0.hasPrefix("  rank host") })
    let numbers = lines[header + 1...header + 3].map { line in
      line.split(separator: " ").map(String.init)
    }
    #expect(numbers.map { $0[0] } == ["min", "median", "max"])
    #expect(numbers.map { $0[1] } == ["1000", "5000", "9000"])
    #expect(numbers.map { $0[2] } == ["1.00", "5.00", "9.00"])
    #expect(lines[header + 4] == "  of 9 ranks on 9 hosts")
    #expect(!lines.contains { $0.contains("node-3") })

    let few = summary(ranks: 8, scale: 1).text(store: "store")
    #expect(few.contains("     7 node-7.clu   8000   8.00"), "\(few)")
  }

  @Test func nothingFailedNeedsNoAdvice() {
    #expect(ExtractionSummary().advice.isEmpty)
  }
}
