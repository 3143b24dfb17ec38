internal import Glibc

/// Probabilities from logits: `p[i] = e^(x[i] − max) / Σ e^(x[j] − max)`.
///
/// Computed in `Double` in the order of the indices, so the result depends on the logits alone;
/// a NaN among them makes every probability NaN.
///
/// - Precondition: as many probabilities as logits, and at least one.
package func softmax(_ logits: Span<Float>, into probabilities: inout MutableSpan<Float>) {
  precondition(logits.count == probabilities.count && logits.count > 0, "unequal counts")
  var largest = logits[0]
  for i in 1..<logits.count where logits[i] > largest { largest = logits[i] }
  var sum = 0.0
  for i in 0..<logits.count { sum += exp(Double(logits[i]) - Double(largest)) }
  for i in 0..<logits.count {
    probabilities[i] = Float(exp(Double(logits[i]) - Double(largest)) / sum)
  }
}
