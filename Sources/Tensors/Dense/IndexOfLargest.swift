extension Array where Element: Comparable {
  /// The index of the largest element; of several the first, so that ties are broken alike in
  /// training, prediction and evaluation.
  ///
  /// A NaN counts as larger than nothing and nothing as larger than it: it is chosen only where it
  /// stands first.
  ///
  /// - Precondition: there is an element.
  @inlinable package func indexOfLargest() -> Int {
    precondition(!isEmpty, "the largest of no elements")
    var best = 0
    for i in indices.dropFirst() where self[i] > self[best] { best = i }
    return best
  }
}
