import Foundation
import TestSupport
import Testing

@testable import Files

/// What a job tells Prometheus.
@Suite struct MetricsFileTests {
  @Test func metricsAreInPrometheusTextFormat() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/decaf.prom"
      let file = try MetricsFile(path)
      #expect(file.isDue())
      let start = ContinuousClock.now
      try file.write(
        [
          Metric("decaf_rows", "Rows of the store.", 12),
          Metric(
            "decaf_failed_total", "By cause.", isCounter: true,
            values: [([("cause", "a \"b\"\\\n"), ("host", "x")], 0.5), ([("cause", "c")], 3)]),
        ], now: start)
      let text = String(decoding: try readTestFile(path), as: UTF8.self)
      #expect(
        text == """
          # HELP decaf_rows Rows of the store.
          # TYPE decaf_rows gauge
          decaf_rows 12
          # HELP decaf_failed_total By cause.
          # TYPE decaf_failed_total counter
          decaf_failed_total{cause="a \\"b\\"\\\\\\n",host="x"} 0.5
          decaf_failed_total{cause="c"} 3

          """)
      #expect(!file.isDue(now: start + .seconds(4)) && file.isDue(now: start + .seconds(6)))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["decaf.prom"])
    }
  }

  @Test func aFileThatCannotBeMadeIsToldAtOnce() {
    #expect(throws: SystemError.self) { try MetricsFile("/nowhere/x.prom") }
  }

  @Test func memoryIsTold() {
    #expect((HostMemory.availableByteCount ?? 0) > 1 << 20)
    #expect((HostMemory.ownByteCount ?? 0) > 1 << 16)
  }
}
