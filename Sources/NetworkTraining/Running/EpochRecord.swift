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
