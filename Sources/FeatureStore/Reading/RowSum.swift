internal import Files
internal import Tensors

/// What rows of one layer are known by: the CRC-32C of their bytes, and how many values are infinite.
struct RowSum {
  private let elementType: ElementType
  private var crc = CRC32C()
  /// Of float16 only, the one type in which finite values become infinite on the way to a file.
  private(set) var infinityCount = 0

  init(_ elementType: ElementType) { self.elementType = elementType }

  var checksum: UInt32 { crc.value }

  /// Takes the next bytes: whole values.
  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    crc.update(bytes)
    guard elementType == .float16 else { return }
    for offset in stride(from: 0, to: bytes.count - 1, by: 2) {
      let value = bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
      if UInt16(littleEndian: value) & 0x7fff == 0x7c00 { infinityCount += 1 }
    }
  }
}
