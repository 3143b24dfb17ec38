/// What an epoch came to.
package struct EpochRecord: Codable, Hashable, Sendable {
  /// Counted from 1.
  package var epoch: Int
  /// Steps taken so far.
  package var iteration: Int
  /// Of its last step.
  package var rate: Float
  /// The mean over the epoch's images, each as the network was when its step came.
  package var loss: Double
  package var accuracy: Double
  package var validationLoss: Double?
  package var validationAccuracy: Double?

  /// The table's first line.
  package static let header = [
    "epoch", "iteration", "rate", "loss", "accuracy", "validation_loss", "validation_accuracy",
  ].joined(separator: "\t")

  /// A line of the table.
  package var line: String {
    let optional = { (value: Double?) in value.map { "\($0)" } ?? "" }
    return [
      "\(epoch)", "\(iteration)", "\(rate)", "\(loss)", "\(accuracy)", optional(validationLoss),
      optional(validationAccuracy),
    ].joined(separator: "\t")
  }
}

extension EpochRecord {
  /// What a line of the table says; nil for any other text.
  package init?(line: some StringProtocol) {
    let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
    guard fields.count == 7, let epoch = Int(fields[0]), let iteration = Int(fields[1]),
      let rate = Float(fields[2]), let loss = Double(fields[3]), let accuracy = Double(fields[4])
    else { return nil }
    (self.epoch, self.iteration, self.rate) = (epoch, iteration, rate)
    (self.loss, self.accuracy) = (loss, accuracy)
    (validationLoss, validationAccuracy) = (Double(fields[5]), Double(fields[6]))
  }
}
