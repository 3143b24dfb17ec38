import Testing

@testable import Files

@Suite struct MemoryPoolTests {
  @Test func memoryOfABlockThatIsGoneIsUsedAgain() {
    let pool = MemoryPool(limit: 1 << 20)
    var block: MemoryBlock? = pool.block(byteCount: 200_000)
    let address = block!.bytes.baseAddress
    block = nil
    #expect(pool.keptByteCount == 200_000)
    block = pool.block(byteCount: 100_000)
    #expect(block!.bytes.baseAddress == address)
    #expect(block!.byteCount == 100_000)
    #expect(pool.keptByteCount == 0)
    block = nil
    // All of its memory has come back, not only what was used of it.
    #expect(pool.keptByteCount == 200_000)
  }

  @Test func memoryThatIsInUseIsNobodyElses() {
    let pool = MemoryPool(limit: 1 << 20)
    do { _ = pool.block(byteCount: 100_000) }
    let first = pool.block(byteCount: 100_000)
    let second = pool.block(byteCount: 100_000)
    #expect(first.bytes.baseAddress != second.bytes.baseAddress)
  }

  @Test func noMoreIsKeptThanTheLimit() {
    let pool = MemoryPool(limit: 1 << 20)
    do { _ = (0..<10).map { pool.block(byteCount: 200_000 + $0) } }
    #expect(pool.keptByteCount <= 1 << 20)
    do { _ = pool.block(byteCount: 2 << 20) }
    #expect(pool.keptByteCount <= 1 << 20)
  }

  @Test func aLittleDoesNotTakeTheMemoryOfMuch() {
    let pool = MemoryPool(limit: 1 << 24)
    do { _ = pool.block(byteCount: 4 << 20) }
    let small = pool.block(byteCount: 100_000)
    #expect(pool.keptByteCount == 4 << 20)
    #expect(small.byteCount == 100_000)
  }

  @Test func aPartOfTheBytesKeepsTheBlock() {
    let pool = MemoryPool(limit: 1 << 20)
    var part: SharedBytes? = SharedBytes(pool.block(byteCount: 100_000))[5..<8]
    #expect(pool.keptByteCount == 0)
    #expect(part?.count == 3)
    part = nil
    #expect(pool.keptByteCount == 100_000)
  }
}
