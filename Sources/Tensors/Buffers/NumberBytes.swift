/// Numbers to and from the bytes they are in memory: little-endian, as files and messages hold them.
package enum NumberBytes {
  package static func bytes<Number: BitwiseCopyable>(_ numbers: [Number]) -> [UInt8] {
    numbers.withUnsafeBytes { [UInt8]($0) }
  }

  /// - Precondition: `bytes` are whole numbers.
  package static func numbers<Number: BitwiseCopyable & Numeric>(_ bytes: [UInt8]) -> [Number] {
    precondition(bytes.count % MemoryLayout<Number>.stride == 0, "bytes left over")
    var numbers = [Number](repeating: 0, count: bytes.count / MemoryLayout<Number>.stride)
    numbers.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
    return numbers
  }
}
