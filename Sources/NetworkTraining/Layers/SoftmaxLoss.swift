internal import Glibc
internal import Tensors

/// The softmax loss of a batch, and its gradient: Caffe's `SoftmaxWithLoss`, the mean over the images
/// that count.
struct SoftmaxLoss {
  /// What a batch amounts to.
  struct Outcome: Equatable {
    /// The sum of `−log p[label]`; infinite or NaN when training has diverged.
    var loss = 0.0
    /// Images whose most probable class is their own; of equals the first.
    var correctCount = 0
    /// Images that count.
    var count = 0
  }

  let classCount: Int

  /// - Parameters:
  ///   - labels: of each row; nil for a row that does not count, whose gradient is zero.
  ///   - gradient: of the mean loss; nil when nobody wants it.
  func evaluate(
    _ logits: FloatBuffer, labels: [Int?], gradient: FloatBuffer?
  ) -> Outcome {
    let counted = labels.count { $0 != nil }
    var outcome = Outcome()
    for (row, label) in labels.enumerated() {
      let part = BufferPart(logits, at: row * classCount, count: classCount)
      let place = gradient.map { BufferPart($0, part.range) }
      guard let label else {
        place?.clear()
        continue
      }
      let values = part.floats.map { Double($0) }
      let largest = values.max()!
      let powers = values.map { exp($0 - largest) }
      let sum = powers.reduce(0, +)
      outcome.loss += log(sum) + largest - values[label]
      outcome.correctCount += values.firstIndex(of: largest) == label ? 1 : 0
      outcome.count += 1
      place?.set(
        powers.indices.map {
          Float((powers[$0] / sum - ($0 == label ? 1 : 0)) / Double(counted))
        })
    }
    return outcome
  }
}
