import ConvNet
import FeatureStore
import Files
import Images
import Testing

@testable import Extraction

@Suite struct ExtractionMessageTests {
  static let orders: [WorkerOrder] = [
    .finish,
    .extract(Batch(rows: 5..<5, items: [], isSuspect: false)),
    .extract(
      Batch(
        rows: 7..<10,
        items: [
          BatchItem(location: ByteString("images/ä b.jpg")),
          BatchItem(
            location: ByteString([47, 255, 254]), box: Box(x: -1, y: 2, width: 3, height: .max)),
          BatchItem(location: ByteString(""), defect: "empty box"),
        ], isSuspect: true)),
  ]

  static let reports: [WorkerReport] = [
    .stopRequested("SIGUSR1"),
    .finished(
      BatchResult(rows: 4..<4, parts: [], unreadable: [], timing: WorkTiming())),
    .finished(
      BatchResult(rows: 4..<9, returned: 4..<9, parts: [], unreadable: [], timing: WorkTiming())),
    .finished(
      BatchResult(
        rows: 4..<9, returned: 5..<9, parts: [],
        unreadable: [RowException(row: 4, status: .failed, message: "cannot read")],
        timing: WorkTiming())),
    .abandoned,
    .finished(
      BatchResult(
        rows: 3..<8,
        parts: [
          BatchResult.Part(
            finished: FinishedRows(
              rows: 3..<5,
              exceptions: [
                RowException(row: 3, status: .ok, message: "a warning"),
                RowException(row: 4, status: .failed, message: "truncated: ü\t\n"),
              ], overflowCount: 12, checksums: [0xDEAD_BEEF, 1, 2]),
            data: [[1, 2, 3], [], [255]]),
          BatchResult.Part(
            finished: FinishedRows(
              rows: 6..<7, exceptions: [], overflowCount: 0, checksums: [7]), data: []),
        ],
        unreadable: [5, 7].map { RowException(row: $0, status: .failed, message: "cannot read") },
        timing: timing)),
  ]

  static var timing: WorkTiming {
    var timing = WorkTiming()
    timing.images = 2
    timing.failures = 1
    timing.readSeconds = 0.25
    timing.decodeSeconds = 1e-9
    timing.transformSeconds = 2.5
    timing.computeSeconds = 3
    timing.rowSeconds = 3.5
    timing.writeSeconds = 4
    timing.idleSeconds = 5
    timing.layers = [LayerTime(layer: "conv1", seconds: 6), LayerTime(layer: "fc6", seconds: 7)]
    return timing
  }

  @Test(arguments: orders) func ordersSurviveEncoding(order: WorkerOrder) throws {
    #expect(try WorkerOrder(decoding: order.encoded) == order)
  }

  @Test(arguments: reports) func reportsSurviveEncoding(report: WorkerReport) throws {
    #expect(try WorkerReport(decoding: SharedBytes(joining: report.encoded)) == report)
  }

  @Test func everyTruncationIsAnError() {
    for order in Self.orders {
      for count in 0..<order.encoded.count {
        #expect(throws: ByteCodecError.self) {
          try WorkerOrder(decoding: Array(order.encoded.prefix(count)))
        }
      }
    }
    for report in Self.reports {
      let bytes = SharedBytes(joining: report.encoded)
      for count in 0..<bytes.count {
        #expect(throws: ByteCodecError.self) {
          try WorkerReport(decoding: bytes[0..<count])
        }
      }
    }
  }

  /// Rows that are twice there, missing, or of another batch.
  @Test(arguments: [
    ([3..<5, 4..<6], [6]), ([3..<5], [6]), ([3..<7], [6]), ([3..<6], [7]), ([5..<7, 3..<5], []),
    ([3..<4], [6, 5, 4]),
  ])
  func reportsOfOtherRowsAreErrors(parts: [Range<Int>], unreadable: [Int]) {
    let report = WorkerReport.finished(
      BatchResult(
        rows: 3..<7,
        parts: parts.map {
          BatchResult.Part(
            finished: FinishedRows(rows: $0, exceptions: [], overflowCount: 0, checksums: []),
            data: [])
        }, unreadable: unreadable.map { RowException(row: $0, status: .failed, message: "x") },
        timing: WorkTiming()))
    #expect(throws: ByteCodecError.self) {
      try WorkerReport(decoding: SharedBytes(joining: report.encoded))
    }
  }

  @Test func unknownKindsAreErrors() {
    #expect(throws: ByteCodecError.invalid("order 9")) { try WorkerOrder(decoding: [9]) }
    var writer = ByteWriter()
    writer.write(UInt8(9))
    #expect(throws: ByteCodecError.invalid("report 9")) {
      try WorkerReport(decoding: SharedBytes(joining: writer.message))
    }
  }

  @Test func countsBeyondTheMessageDoNotAllocate() {
    var writer = ByteWriter()
    writer.write(UInt8(1))
    writer.write(0..<1)
    writer.write(false)
    writer.write(Int64.max)
    #expect(throws: ByteCodecError.endOfBytes) { try WorkerOrder(decoding: writer.bytes) }
  }
}
