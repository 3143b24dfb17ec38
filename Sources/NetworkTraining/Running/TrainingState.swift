/// How far a training is, besides its numbers.
struct TrainingState: Codable, Equatable, Sendable {
  /// Steps taken.
  var iteration = 0
  /// Of the epoch that is not over, over its images so far.
  var lossSum = 0.0
  var correctCount = 0
  var imageCount = 0
  var history: [EpochRecord] = []
  /// Rows of the list that could not be read, and why; of the validation list likewise. On rank 0.
  var failures: [Int: String] = [:]
  var validationFailures: [Int: String] = [:]

  mutating func add(_ outcome: SoftmaxLoss.Outcome) {
    lossSum += outcome.loss
    correctCount += outcome.correctCount
    imageCount += outcome.count
  }

  /// Closes the epoch.
  mutating func endEpoch(rate: Float, validation: SoftmaxLoss.Outcome?) {
    let count = Double(max(imageCount, 1))
    history.append(
      EpochRecord(
        epoch: history.count + 1, iteration: iteration, rate: rate, loss: lossSum / count,
        accuracy: Double(correctCount) / count,
        validationLoss: validation.map { $0.loss / Double(max($0.count, 1)) },
        validationAccuracy: validation.map {
          Double($0.correctCount) / Double(max($0.count, 1))
        }))
    (lossSum, correctCount, imageCount) = (0, 0, 0)
  }
}
