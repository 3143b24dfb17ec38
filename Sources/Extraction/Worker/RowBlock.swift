internal import FeatureStore
internal import Files
internal import Tensors

/// Rows of one layer, one behind the other in memory that is handed on as it is.
final class RowBlock {
  private let block: MemoryBlock
  private let dtype: ElementType
  private let rowByteCount: Int
  private var end = 0
  /// The bytes of one row.
  private var row: [UInt8] = []

  /// Memory for `rowCount` rows of `width` values.
  init(rowCount: Int, width: Int, dtype: ElementType) {
    self.dtype = dtype
    rowByteCount = width * dtype.byteCount
    block = MemoryBlock(byteCount: rowCount * rowByteCount)
    row.reserveCapacity(rowByteCount)
  }

  /// Appends values of a row, or all of them.
  ///
  /// - Returns: how many finite values became infinite in the store's type.
  func append(_ values: Span<Float>) -> Int {
    row.removeAll(keepingCapacity: true)
    let overflowCount = dtype.append(values, to: &row)
    append(row)
    return overflowCount
  }

  /// Appends what a row holds that there is no image for.
  func appendMissing() { append(dtype.missing(rowByteCount / dtype.byteCount)) }

  private func append(_ bytes: [UInt8]) {
    UnsafeMutableRawBufferPointer(rebasing: block.bytes[end..<end + bytes.count])
      .copyBytes(from: bytes)
    end += bytes.count
  }

  /// These rows; nothing may be appended any more.
  func rows(_ places: Range<Int>) -> SharedBytes {
    SharedBytes(block)[places.lowerBound * rowByteCount..<places.upperBound * rowByteCount]
  }
}
