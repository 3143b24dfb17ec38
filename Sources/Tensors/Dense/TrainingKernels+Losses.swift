internal import CKernels

/// Losses of classifiers, for many rows and classes at once.
extension TrainingKernels {
  /// The losses that have a vector kernel; see `Classification.LossFunction`.
  package enum LossKind: Sendable {
    case softmax, logistic, squaredHinge
  }

  /// Logits of `rowCount×count` and what belongs to them: `logits + steps·direction + biases`.
  package struct LossInput {
    package var rowCount: Int
    package var count: Int
    /// Rows are `stride` apart.
    package var logits: [Double]
    package var stride: Int
    /// Empty without a direction.
    package var direction: [Double] = []
    package var directionStride = 0
    /// For each class.
    package var steps: [Double] = []
    package var biases: [Double]
    /// For each row: its class, in `0..<count` for softmax, and how much it counts.
    package var labels: [Int32]
    package var weights: [Double]

    package init(
      rowCount: Int, count: Int, logits: [Double], stride: Int, biases: [Double], labels: [Int32],
      weights: [Double]
    ) {
      (self.rowCount, self.count, self.logits, self.stride) = (rowCount, count, logits, stride)
      (self.biases, self.labels, self.weights) = (biases, labels, weights)
    }

    /// `logits + steps·direction + biases` of one row and class.
    package func logit(row: Int, _ k: Int) -> Double {
      let logit = logits[row * stride + k]
      if direction.isEmpty { return logit + biases[k] }
      return logit + steps[k] * direction[row * directionStride + k] + biases[k]
    }

    fileprivate func check() {
      let least = rowCount == 0 ? 0 : (rowCount - 1)
      precondition(logits.count >= least * stride + (rowCount == 0 ? 0 : count), "logits missing")
      precondition(biases.count == count && labels.count == rowCount && weights.count == rowCount)
      if !direction.isEmpty {
        precondition(steps.count == count && direction.count >= least * directionStride + count)
      }
    }
  }

  /// Weighted sums over the rows, for each class.
  package struct LossSums {
    /// Losses (softmax: all in the first).
    package var losses: [Double]
    package var residuals: [Double]
    /// Residuals times the direction's logits.
    package var slopes: [Double]
    /// Second derivatives, and magnitudes of the residuals of the class's own rows; zeros for softmax.
    package var curvatures: [Double]
    package var masses: [Double]

    /// Zeros for `count` classes.
    package init(count: Int) {
      losses = [Double](repeating: 0, count: count)
      (residuals, slopes, curvatures, masses) = (losses, losses, losses, losses)
    }
  }

  /// Sums losses, and stores their derivatives.
  ///
  /// - Parameters:
  ///   - terms: gets the residuals times the weights, `rowCount×count`, where it is as long; else
  ///     empty.
  ///   - roots: for softmax gets the probabilities times the roots of the weights, likewise.
  package func lossSums(
    _ kind: LossKind, _ input: LossInput, terms: inout [Double], roots: inout [Float]
  ) -> LossSums {
    input.check()
    let size = input.rowCount * input.count
    precondition(terms.isEmpty || terms.count >= size, "no room for residuals")
    precondition(roots.isEmpty || roots.count >= size, "no room for probabilities")
    let count = input.count
    // One array, so that one scope holds all that is written.
    var sums = [Double](repeating: 0, count: 5 * count + 32 * count + 56)
    let isStoringTerms = !terms.isEmpty
    let isStoringRoots = !roots.isEmpty
    input.withSweep { sweep in
      sums.withUnsafeMutableBufferPointer { sums in
        let s = sums.baseAddress!
        let scratch = s + 5 * count
        terms.withUnsafeMutableBufferPointer { terms in
          roots.withUnsafeMutableBufferPointer { roots in
            let terms = isStoringTerms ? terms.baseAddress : nil
            switch kind {
            case .softmax:
              table.pointee.softmax(
                sweep, s, s + count, s + 2 * count, isStoringRoots ? roots.baseAddress : nil,
                terms, scratch)
            case .logistic:
              table.pointee.logistic(
                sweep, s, s + count, s + 2 * count, s + 3 * count, s + 4 * count, terms, scratch)
            case .squaredHinge:
              table.pointee.squared_hinge(
                sweep, s, s + count, s + 2 * count, s + 3 * count, s + 4 * count, terms, scratch)
            }
          }
        }
      }
    }
    func field(_ i: Int) -> [Double] { Array(sums[i * count..<(i + 1) * count]) }
    var result = LossSums(count: 0)
    (result.losses, result.residuals, result.slopes) = (field(0), field(1), field(2))
    (result.curvatures, result.masses) = (field(3), field(4))
    return result
  }
}

extension TrainingKernels.LossInput {
  /// Calls `body` with the input as C sees it.
  fileprivate func withSweep(_ body: (UnsafePointer<decaf_sweep>) -> Void) {
    if rowCount == 0 || count == 0 { return }
    logits.withUnsafeBufferPointer { logits in
      direction.withUnsafeBufferPointer { direction in
        steps.withUnsafeBufferPointer { steps in
          biases.withUnsafeBufferPointer { biases in
            labels.withUnsafeBufferPointer { labels in
              weights.withUnsafeBufferPointer { weights in
                var sweep = decaf_sweep(
                  rows: rowCount, count: count, logits: logits.baseAddress!, stride: stride,
                  direction: direction.isEmpty ? nil : direction.baseAddress,
                  direction_stride: directionStride, steps: steps.baseAddress,
                  biases: biases.baseAddress!, labels: labels.baseAddress!,
                  weights: weights.baseAddress!)
                body(&sweep)
              }
            }
          }
        }
      }
    }
  }
}
