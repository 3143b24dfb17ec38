internal import CKernels

/// How windows go over a map, for the kernels of training: output `y`, `x` looks at
/// `stride·y + dilation·v − padding` for every row v of the window, and likewise for columns.
///
/// Maps are `height×width×channels`, channels innermost, without a frame.
package struct WindowGrid: Hashable, Sendable {
  package let height: Int
  package let width: Int
  package let channels: Int
  /// Height and width of what is made.
  package let output: PlaneSize
  package let kernelSize: PlaneSize
  package let stride: PlaneSize
  package let padding: PlaneSize
  package let dilation: PlaneSize

  /// - Precondition: every window reaches the map or its padding.
  package init(
    height: Int, width: Int, channels: Int, output: PlaneSize, kernelSize: PlaneSize,
    stride: PlaneSize = 1, padding: PlaneSize = 0, dilation: PlaneSize = 1
  ) {
    precondition(height > 0 && width > 0 && channels > 0, "a map needs a positive size")
    for (axis, side) in [(\PlaneSize.height, height), (\PlaneSize.width, width)] {
      precondition(
        kernelSize[keyPath: axis] > 0 && stride[keyPath: axis] > 0 && dilation[keyPath: axis] > 0
          && padding[keyPath: axis] >= 0 && output[keyPath: axis] > 0
          && (output[keyPath: axis] - 1) * stride[keyPath: axis] < side + padding[keyPath: axis],
        "windows beyond the map")
    }
    (self.height, self.width, self.channels, self.output) = (height, width, channels, output)
    (self.kernelSize, self.stride) = (kernelSize, stride)
    (self.padding, self.dilation) = (padding, dilation)
  }

  package var inputCount: Int { height * width * channels }
  package var outputCount: Int { output.area * channels }

  var grid: decaf_window_grid {
    decaf_window_grid(
      height: height, width: width, channels: channels, output_height: output.height,
      output_width: output.width, kernel_y: kernelSize.height, kernel_x: kernelSize.width,
      stride_y: stride.height, stride_x: stride.width, padding_y: padding.height,
      padding_x: padding.width, dilation_y: dilation.height, dilation_x: dilation.width)
  }
}

/// A part of a buffer: `count` floats from `start` on.
package struct BufferPart: Sendable {
  let buffer: FloatBuffer
  package let count: Int
  let start: Int

  /// - Precondition: the floats lie inside the buffer.
  package init(_ buffer: FloatBuffer, _ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= buffer.count, "beyond the buffer")
    (self.buffer, start, count) = (buffer, range.lowerBound, range.count)
  }

  package init(_ buffer: FloatBuffer, at start: Int, count: Int) {
    self.init(buffer, start..<start + count)
  }

  package init(_ buffer: FloatBuffer) { self.init(buffer, 0..<buffer.count) }

  var base: UnsafeMutablePointer<Float> { buffer.base + start }

  /// A part of this part.
  package func part(_ inner: Range<Int>) -> BufferPart {
    precondition(inner.lowerBound >= 0 && inner.upperBound <= count, "beyond the part")
    return BufferPart(buffer, at: start + inner.lowerBound, count: inner.count)
  }

  package var range: Range<Int> { start..<start + count }

  /// Makes all floats zero.
  package func clear() { base.update(repeating: 0, count: count) }

  /// Integers that `copyBitPairs` fills.
  package var pairCount: Int { (count + 1) / 2 }

  /// Copies the floats' bits, two into each integer; the last has one where the count is odd.
  ///
  /// Of buffers that are zero but where one rank has something, the sum over ranks is all of it.
  package func copyBitPairs(to pairs: inout [Int64]) {
    precondition(pairs.count == pairCount, "bits of another count")
    if count % 2 == 1 { pairs[pairCount - 1] = 0 }
    pairs.withUnsafeMutableBytes { $0.copyMemory(from: UnsafeRawBufferPointer(bytes)) }
  }

  /// Takes over what `copyBitPairs` gave.
  package func setBitPairs(_ pairs: [Int64]) {
    precondition(pairs.count == pairCount, "bits of another count")
    pairs.withUnsafeBytes {
      bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<(4 * count)]))
    }
  }

  private var bytes: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: base, count: 4 * count)
  }

  package var floats: [Float] { buffer.floats(range) }

  /// - Precondition: as many values as floats.
  package func set(_ values: [Float]) {
    precondition(values.count == count, "values of another count")
    buffer.replace(from: start, with: values)
  }

  /// Takes over as many floats of another part.
  package func copy(from other: BufferPart) {
    precondition(count == other.count, "parts of different lengths")
    base.update(from: other.base, count: count)
  }
}
