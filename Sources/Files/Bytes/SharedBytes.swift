/// Bytes that are handed on without being copied: an array's, or a part of a block of memory.
///
/// Megabytes of rows go from one part of the program to the next: out of a message, to a checksum, into a
/// file. Each copy would cost as much as one of those.
package struct SharedBytes: Sendable {
  private enum Storage {
    case array([UInt8])
    case block(MemoryBlock, Range<Int>)
  }

  private let storage: Storage

  package init(_ array: [UInt8]) { storage = .array(array) }

  /// All bytes of a block, which nobody may change any more.
  package init(_ block: MemoryBlock) { storage = .block(block, 0..<block.byteCount) }

  /// All bytes of `parts`, in order: copied once, unless it is one part.
  package init(joining parts: [SharedBytes]) {
    if parts.count == 1 {
      self = parts[0]
      return
    }
    let block = MemoryBlock(byteCount: parts.reduce(0) { $0 + $1.count })
    var end = 0
    for part in parts {
      part.withUnsafeBytes { bytes in
        UnsafeMutableRawBufferPointer(rebasing: block.bytes[end..<end + bytes.count])
          .copyMemory(from: bytes)
      }
      end += part.count
    }
    self.init(block)
  }

  private init(_ storage: Storage) { self.storage = storage }

  /// The bytes at a fixed address, where they are if they have one, and what keeps them there.
  package var memory: (owner: MemoryBlock, bytes: UnsafeMutableRawBufferPointer) {
    switch storage {
    case .array(let array):
      let block = MemoryBlock(array)
      return (block, block.bytes)
    case .block(let block, let range):
      return (block, UnsafeMutableRawBufferPointer(rebasing: block.bytes[range]))
    }
  }

  package var count: Int {
    switch storage {
    case .array(let array): array.count
    case .block(_, let range): range.count
    }
  }

  package var isEmpty: Bool { count == 0 }

  /// The bytes as an array: a copy of what is in a block.
  package var array: [UInt8] {
    switch storage {
    case .array(let array): array
    case .block: withUnsafeBytes { Array($0) }
    }
  }

  /// Some of the bytes, not copied where they are in a block.
  package subscript(range: Range<Int>) -> SharedBytes {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes beyond the end")
    switch storage {
    case .array(let array):
      return range.count == array.count ? self : SharedBytes(Array(array[range]))
    case .block(let block, let whole):
      let start = whole.lowerBound + range.lowerBound
      return SharedBytes(.block(block, start..<start + range.count))
    }
  }

  /// The integer that begins at `offset`, little-endian.
  package func integer<Integer: FixedWidthInteger>(at offset: Int, as _: Integer.Type) -> Integer {
    precondition(
      offset >= 0 && MemoryLayout<Integer>.size <= count - offset, "an integer beyond the end")
    return withUnsafeBytes {
      Integer(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Integer.self))
    }
  }

  /// Calls `body` with the bytes, which live as long as it runs.
  func withUnsafeBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    switch storage {
    case .array(let array):
      var result: Result<R, E>?
      array.withUnsafeBytes { bytes in result = Result { () throws(E) in try body(bytes) } }
      return try result!.get()
    case .block(let block, let range):
      return try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(block.bytes)[range]))
    }
  }
}

extension SharedBytes: Equatable, ExpressibleByArrayLiteral {
  package static func == (a: Self, b: Self) -> Bool {
    a.count == b.count
      && a.withUnsafeBytes { a in b.withUnsafeBytes { b in a.elementsEqual(b) } }
  }

  package init(arrayLiteral elements: UInt8...) { self.init(elements) }
}
