/// One row of activations an image, C×H×W, in one buffer.
package struct RowMatrix: Sendable {
  package let buffer: FloatBuffer
  package let width: Int
  package let count: Int
  /// Floats from one row to the next.
  package let pitch: Int

  /// - Parameters:
  ///   - count: rows.
  ///   - width: activations of an image.
  package init(count: Int, width: Int) {
    self.count = count
    self.width = width
    // Rows start on cache lines, but never a multiple of 4096 bytes apart: the same place of several
    // rows, which a product reads together, would fall into the same few places of the caches.
    let lines = (width + 15) / 16
    pitch = 16 * (lines % 64 == 0 ? lines + 1 : lines)
    buffer = FloatBuffer(count: count * pitch)
  }

  /// Where the row lies in the buffer.
  package func range(ofRow row: Int) -> Range<Int> {
    precondition(row >= 0 && row < count, "row \(row) of \(count)")
    return row * pitch..<row * pitch + width
  }
}
