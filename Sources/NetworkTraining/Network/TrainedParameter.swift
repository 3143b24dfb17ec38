package import Tensors

/// Some of a layer's numbers, their gradient, and the descent's memory of earlier gradients.
///
/// A rank has all of them, or, of an inner product, those of its own outputs.
package final class TrainedParameter: @unchecked Sendable {
  // Invariant behind `@unchecked`: what is variable is set by the one thread that leads a rank, while
  // no loop runs.
  package let layer: String
  /// `weight` or `bias`.
  package let name: String
  /// Of all ranks' numbers together, as files have them.
  package let shape: [Int]
  /// Rows of `shape` that the rank has, and rows of a slice, the least that a rank may have.
  package let rows: Range<Int>
  let sliceRows: Int
  /// The numbers, `rows.count` rows.
  package let values: FloatBuffer
  /// Of the batch's mean loss; empty where nothing is learned.
  package let gradient: FloatBuffer
  package let history: FloatBuffer
  /// Nil where nothing is learned.
  package let rates: ParameterRates?
  /// Channels and places of a filter where numbers lie in memory with channels innermost: `O × KH·KW ×
  /// C`; nil where they lie as in files.
  let filter: (channels: Int, places: Int)?
  /// The largest magnitude of the rank's own numbers.
  package internal(set) var largest: Float = 0
  /// That of all ranks' numbers, while a step goes back.
  var largestOfAll: Float = 0

  init(
    layer: String, name: String, shape: [Int], rows: Range<Int>? = nil, sliceRows: Int? = nil,
    filter: (channels: Int, places: Int)? = nil, rates: ParameterRates?
  ) {
    (self.layer, self.name, self.shape, self.filter) = (layer, name, shape, filter)
    self.rows = rows ?? 0..<shape[0]
    isWhole = rows == nil
    self.sliceRows = sliceRows ?? shape[0]
    self.rates = rates
    rowLength = shape.dropFirst().reduce(1, *)
    values = FloatBuffer(count: self.rows.count * rowLength)
    let learned = rates == nil ? 0 : values.count
    gradient = FloatBuffer(count: learned)
    history = FloatBuffer(count: learned)
  }

  package let rowLength: Int
  package var isLearned: Bool { rates != nil }
  /// Every rank has all of the numbers; else each slice has one owner, also where there is one slice.
  let isWhole: Bool
  /// Numbers of all ranks together.
  package var count: Int { shape[0] * rowLength }

  /// The slices that there are, in rows of `shape`.
  var slices: [Range<Int>] { Self.slices(shape[0], of: sliceRows) }

  static func slices(_ rows: Int, of sliceRows: Int) -> [Range<Int>] {
    stride(from: 0, to: rows, by: sliceRows).map { $0..<min($0 + sliceRows, rows) }
  }

  /// The place of some rows of `shape` in the rank's buffers.
  ///
  /// - Precondition: the rank has them.
  func range(of slice: Range<Int>) -> Range<Int> {
    precondition(slice.lowerBound >= rows.lowerBound && slice.upperBound <= rows.upperBound)
    let start = (slice.lowerBound - rows.lowerBound) * rowLength
    return start..<start + slice.count * rowLength
  }

  /// Takes some rows, in the order of files, of any buffer of the parameter.
  func set(_ buffer: FloatBuffer, rows slice: Range<Int>, _ numbers: [Float]) {
    let inMemory =
      filter.map { filter in
        Self.turned(numbers, inner: filter.places, outer: filter.channels)
      } ?? numbers
    BufferPart(buffer, range(of: slice)).set(inMemory)
  }

  /// Some rows of any buffer of the parameter, in the order of files.
  func numbers(_ buffer: FloatBuffer, rows slice: Range<Int>) -> [Float] {
    let inMemory = buffer.floats(range(of: slice))
    return filter.map { filter in
      Self.turned(inMemory, inner: filter.channels, outer: filter.places)
    } ?? inMemory
  }

  /// Each `outer × inner` of the numbers as `inner × outer`.
  private static func turned(_ numbers: [Float], inner: Int, outer: Int) -> [Float] {
    var turned = [Float](repeating: 0, count: numbers.count)
    let length = inner * outer
    for start in stride(from: 0, to: numbers.count, by: length) {
      for i in 0..<outer {
        for j in 0..<inner { turned[start + j * outer + i] = numbers[start + i * inner + j] }
      }
    }
    return turned
  }
}

/// How fast a parameter is learned, as `param` in Caffe's layers says.
package struct ParameterRates: Hashable, Sendable, Codable {
  /// Factors of the solver's rate and weight decay.
  package var rate: Float
  package var decay: Float

  package init(rate: Float = 1, decay: Float = 1) { (self.rate, self.decay) = (rate, decay) }
}
