import FeatureStore
import Testing

@testable import Extraction

/// Files that cannot be read: who tries again, and when there is no sense in going on.
@Suite struct UnreadableRowsTests {
  private func failed(
    _ rows: some Sequence<Int>, _ message: String = "cannot open"
  ) -> [RowException] {
    rows.map { RowException(row: $0, status: .failed, message: message) }
  }

  @Test func aSecondHostTriesAndThenAllIsLost() {
    var rows = UnreadableRows(hostOfRank: [0: "a", 1: "a", 2: "b"], batchSize: 4)
    #expect(rows.note(read: [], unreadable: failed(3..<9), from: 0).isEmpty)
    // Not by a rank of the same host; in batches of the usual size.
    #expect(rows.next(for: 1) == nil)
    #expect(rows.next(for: 2) == 3..<7)
    #expect(!rows.isEmpty)
    #expect(rows.next(for: 2) == 7..<9)
    #expect(rows.isEmpty && rows.next(for: 2) == nil)
    let lost = rows.note(
      read: [3..<4, 6..<7], unreadable: failed([4, 5], "cannot read"), from: 2)
    #expect(lost == failed([4, 5], "cannot read"))
    #expect(rows.note(read: [7..<9], unreadable: [], from: 2).isEmpty)
    #expect(rows.hopelessRows == failed([4, 5], "cannot read"))
    #expect(rows.countsReadElsewhere == ["a": 4])
    #expect(rows.stray == nil)
  }

  @Test(arguments: [[0: "a"], [0: "a", 1: "a", 2: "a"]])
  func whereThereIsOneHostNobodyTriesAgain(hosts: [Int: String]) {
    var rows = UnreadableRows(hostOfRank: hosts, batchSize: 4)
    #expect(rows.note(read: [0..<2], unreadable: failed([2, 3]), from: 0) == failed([2, 3]))
    #expect(rows.isEmpty)
    #expect(rows.hopelessRows == failed([2, 3]))
  }

  /// Of two hosts that both fail, each is tried once and neither is blamed.
  @Test func eachHostTriesOnce() {
    var rows = UnreadableRows(hostOfRank: [0: "a", 1: "b"], batchSize: 8)
    for row in 0..<200 {
      #expect(rows.note(read: [], unreadable: failed([row]), from: row % 2).isEmpty)
      #expect(rows.next(for: 1 - row % 2) == row..<row + 1)
      #expect(rows.note(read: [], unreadable: failed([row]), from: 1 - row % 2).count == 1)
    }
    #expect(rows.hopeless.count == 200)
    #expect(rows.stray == nil)
  }

  @Test func aHostThatFailsAtWhatOthersReadIsNamed() {
    var rows = UnreadableRows(hostOfRank: [0: "a", 1: "b"], batchSize: 8)
    for row in 0..<UnreadableRows.strayLimit {
      #expect(rows.stray == nil)
      _ = rows.note(read: [], unreadable: failed([row]), from: 1)
      #expect(rows.next(for: 0) == row..<row + 1)
      _ = rows.note(read: [row..<row + 1], unreadable: [], from: 0)
    }
    #expect(
      rows.stray
        == UnreadableRows.Stray(host: "b", count: 50, example: failed([49])[0]))
  }

  /// A file now and then is bad luck, however many there are in all.
  @Test func aHostThatReadsInBetweenIsNoStray() {
    var rows = UnreadableRows(hostOfRank: [0: "a", 1: "b"], batchSize: 8)
    for row in stride(from: 0, to: 400, by: 2) {
      _ = rows.note(read: [row + 1..<row + 2], unreadable: failed([row]), from: 1)
      _ = rows.next(for: 0)
      _ = rows.note(read: [row..<row + 1], unreadable: [], from: 0)
    }
    #expect(rows.stray == nil)
    #expect(rows.countsReadElsewhere == ["b": 200])
  }

  @Test func theFirstHundredDecideUnlessThereIsALimit() {
    var watch = FailureWatch(limit: nil, failedCount: 0, hasSucceeded: false)
    watch.add(succeeded: 0, failed: failed(7..<106, "x"), host: "b")
    #expect(watch.reason == nil)
    watch.add(succeeded: 0, failed: failed([1], "y"), host: "a")
    #expect(
      watch.reason == .allFailed(count: 100, hosts: ["a", "b"], first: failed([7], "x")[0]))
    #expect(watch.reason == watch.nothingWorks)
    watch.add(succeeded: 1, failed: [], host: "a")
    #expect(watch.reason == nil && watch.nothingWorks == nil)

    // Rows of an earlier run that did not fail: what is tried again may all be broken.
    watch = FailureWatch(limit: nil, failedCount: 5, hasSucceeded: true)
    watch.add(succeeded: 0, failed: failed(0..<500), host: "a")
    #expect(watch.reason == nil)
  }

  @Test func aLimitIsForAllRowsOfTheStore() {
    var watch = FailureWatch(limit: 200, failedCount: 90, hasSucceeded: false)
    watch.add(succeeded: 0, failed: failed(0..<110), host: "a")
    #expect(watch.reason == nil)
    watch.add(succeeded: 5, failed: failed([300]), host: "a")
    #expect(watch.reason == .tooManyFailures(count: 201, limit: 200))
    var none = FailureWatch(limit: 0, failedCount: 0, hasSucceeded: true)
    #expect(none.reason == nil)
    none.add(succeeded: 0, failed: failed([0]), host: "a")
    #expect(none.reason == .tooManyFailures(count: 1, limit: 0))
  }
}
