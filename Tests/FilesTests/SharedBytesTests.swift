import Foundation
import TestSupport
import Testing

@testable import Files

/// Bytes that are handed on without being copied are the bytes that were there.
@Suite struct SharedBytesTests {
  private func both(_ bytes: [UInt8]) -> [SharedBytes] {
    [SharedBytes(bytes), SharedBytes(MemoryBlock(bytes))]
  }

  @Test func partsAreThoseOfAnArray() {
    let bytes = (0..<200).map { UInt8($0) }
    for shared in both(bytes) {
      #expect(shared.count == 200 && shared.array == bytes)
      for range in [0..<0, 0..<200, 7..<9, 150..<200] {
        #expect(shared[range].array == Array(bytes[range]))
        #expect(shared[range] == SharedBytes(Array(bytes[range])))
        #expect(CRC32C.of(shared[range]) == CRC32C.of(Array(bytes[range])))
      }
      #expect(shared[10..<100][5..<8].array == [15, 16, 17])
      #expect(shared[1..<20].integer(at: 2, as: UInt32.self) == 0x0605_0403)
      let joined = SharedBytes(joining: [shared[3..<5], [], shared[0..<2]])
      #expect(joined.array == [3, 4, 0, 1])
      for some in [joined, shared[7..<9]] {
        let memory = some.memory
        withExtendedLifetime(memory.owner) { #expect(Array(memory.bytes) == some.array) }
      }
    }
    #expect(both([1, 2])[1] != both([1, 3])[1])
  }

  @Test func partsOutliveTheWhole() {
    var part: SharedBytes?
    do { part = SharedBytes(MemoryBlock([UInt8](repeating: 9, count: 1 << 20)))[5..<8] }
    #expect(part?.array == [9, 9, 9])
  }

  @Test func aBlockIsNotCopiedToBeSent() {
    let block = MemoryBlock([1, 2, 3])
    #expect(SharedBytes(block).memory.owner === block)
    #expect(SharedBytes(block)[1..<3].memory.bytes.baseAddress == block.bytes.baseAddress! + 1)
    #expect(SharedBytes(joining: [SharedBytes(block)]).memory.owner === block)
  }

  @Test func filesGetTheBytes() throws {
    try withTemporaryFolder { folder in
      let file = try PositionedFile("\(folder)/x", .replace)
      for (place, shared) in both([1, 2, 3, 4]).enumerated() {
        try file.write(shared[1..<4], at: 3 * place)
      }
      #expect(try file.read(10, at: 0) == [2, 3, 4, 2, 3, 4])
    }
  }

  @Test func nothingBeyondTheEndIsGiven() async {
    await #expect(processExitsWith: .failure) { _ = SharedBytes([1, 2])[1..<3] }
    await #expect(processExitsWith: .failure) {
      _ = SharedBytes(MemoryBlock([1, 2])).integer(at: 0, as: UInt32.self)
    }
  }
}
