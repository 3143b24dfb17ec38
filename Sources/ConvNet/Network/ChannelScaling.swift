/// A factor and a number to add for each channel: what batch normalization and scaling are at test
/// time, in double precision.
struct ChannelScaling: Sendable {
  private(set) var factors: [Double]
  private(set) var shifts: [Double]

  init(factors: [Double], shifts: [Double]) {
    precondition(factors.count == shifts.count, "channels of two counts")
    (self.factors, self.shifts) = (factors, shifts)
  }

  /// Nothing is changed.
  init(channels: Int) {
    self.init(
      factors: [Double](repeating: 1, count: channels),
      shifts: [Double](repeating: 0, count: channels))
  }

  /// This one, and then the other.
  func followed(by next: ChannelScaling) -> ChannelScaling {
    ChannelScaling(
      factors: zip(factors, next.factors).map { $0 * $1 },
      shifts: factors.indices.map { shifts[$0] * next.factors[$0] + next.shifts[$0] })
  }

  /// Weights of the outputs from `first` on, `width` each, whose sums are then scaled.
  func scaled(_ weights: Span<Float>, first: Int, width: Int) -> [Float] {
    weights.indices.map { Float(Double(weights[$0]) * factors[first + $0 / width]) }
  }

  /// Biases of all outputs, likewise.
  func scaled(biases: [Float]) -> [Float] {
    biases.indices.map { Float(Double(biases[$0]) * factors[$0] + shifts[$0]) }
  }

  /// Scales a pixel's channels.
  func apply(to channels: inout MutableSpan<Float>) {
    for c in 0..<channels.count {
      channels[c] = Float(Double(channels[c]) * factors[c] + shifts[c])
    }
  }
}
