import Testing

@testable import Extraction

@Suite struct WorkQueueTests {
  private func batches(_ queue: WorkQueue) -> [Range<Int>] {
    var queue = queue
    var result: [Range<Int>] = []
    while let next = queue.next() { result.append(next.rows) }
    return result
  }

  @Test func emptyListYieldsNoBatches() {
    var queue = WorkQueue(unfinished: [], batchSize: 4)
    #expect(queue.isEmpty)
    #expect(queue.next() == nil)
  }

  @Test func lastBatchIsShort() {
    #expect(batches(WorkQueue(unfinished: [0..<10], batchSize: 4)) == [0..<4, 4..<8, 8..<10])
  }

  @Test(arguments: [1, 2, 3, 7, 64, 1000])
  func everyRowIsHandedOutOnceInOrder(batchSize: Int) {
    let unfinished = [3..<9, 10..<11, 40..<200]
    let rows = batches(WorkQueue(unfinished: unfinished, batchSize: batchSize))
    #expect(rows.flatMap { Array($0) } == unfinished.flatMap { Array($0) })
    #expect(rows.allSatisfy { !$0.isEmpty && $0.count <= batchSize })
  }

  @Test func resumedBatchesEndWhereUninterruptedOnesDo() {
    let all = Set(batches(WorkQueue(unfinished: [0..<30], batchSize: 8)))
    let rest = batches(WorkQueue(unfinished: [8..<16, 24..<30], batchSize: 8))
    #expect(all.isSuperset(of: rest))
  }

  @Test func emptyRangesAreSkipped() {
    #expect(batches(WorkQueue(unfinished: [0..<0, 2..<3, 5..<5], batchSize: 2)) == [2..<3])
  }

  @Test func onlyBatchesWithSuspectRowsAreSuspect() {
    var queue = WorkQueue(unfinished: [0..<12], suspects: [5..<6], batchSize: 4)
    #expect(queue.next() == .init(rows: 0..<4, isSuspect: false))
    #expect(queue.next() == .init(rows: 4..<8, isSuspect: true))
    #expect(queue.next() == .init(rows: 8..<12, isSuspect: false))
  }

  @Test func batchesShrinkTowardsTheEnd() {
    var queue = WorkQueue(unfinished: [0..<1000], batchSize: 64)
    var counts: [Int] = []
    while let next = queue.next(sharers: 6) { counts.append(next.rows.count) }
    #expect(counts.reduce(0, +) == 1000)
    #expect(counts.prefix(9).allSatisfy { $0 == 64 })
    #expect(counts.suffix(3).allSatisfy { $0 <= 16 })
    #expect(counts.dropLast().allSatisfy { $0 >= 8 })
  }

  @Test func remainingRowsCountDown() {
    var queue = WorkQueue(unfinished: [0..<5], batchSize: 2)
    #expect(queue.remainingRows == 5)
    _ = queue.next()
    #expect(queue.remainingRows == 3)
  }
}
