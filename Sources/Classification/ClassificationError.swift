package import Tensors

/// What goes wrong in training a classifier, storing it and predicting with it.
package enum ClassificationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Options outside their range, each with its reason.
  case invalidOptions([String])
  /// No row is both usable and labelled.
  case noRows(source: String, failed: Int, unlabelled: Int)
  /// All labelled rows belong to one class.
  case oneClass(source: String, name: String)
  /// A row that is not marked as failed holds NaN, infinity or a value too large to compute with.
  case notFinite(source: String, row: Int)
  /// The features were made otherwise than those the classifier was trained on.
  case incompatibleFeatures(source: String, differences: [String])
  /// A file that is not a classifier of this program, or a damaged one.
  case invalidClassifier(path: String, reason: String)
  /// The classifier or the predictions could not be written.
  case cannotWrite(SystemError)
  /// The certified gap stayed above the tolerance, and the caller insisted.
  case notConverged(relativeGap: Double, tolerance: Double, iterations: Int)

  package var description: String {
    switch self {
    case .invalidOptions(let problems):
      "cannot train with these options: \(problems.joined(separator: "; "))"
    case .noRows(let source, let failed, let unlabelled):
      "cannot train on \(source): expected rows with features and a label, found none "
        + "(\(failed) failed, \(unlabelled) without label); give the list labels and extract again"
    case .oneClass(let source, let name):
      "cannot train on \(source): expected at least two classes, found only “\(name)”"
    case .notFinite(let source, let row):
      "cannot train on \(source): row \(row) is marked ok but holds NaN, infinity or a value beyond 1e15; "
        + "`decaf verify` tells whether values overflowed float16 or the store is damaged"
    case .incompatibleFeatures(let source, let differences):
      "cannot apply the classifier to \(source): its features were made otherwise: "
        + differences.joined(separator: "; ")
    case .invalidClassifier(let path, let reason):
      "cannot read classifier \(path): \(reason); expected a file written by `decaf train`"
    case .cannotWrite(let error):
      "\(error); choose another --output or make room, and run the same command again"
    case .notConverged(let relativeGap, let tolerance, let iterations):
      "training stopped after \(iterations) iterations at relative gap \(relativeGap), above the "
        + "tolerance \(tolerance); allow more with --max-iterations, or lower --C"
    }
  }

  /// Whether every rank meets it at the same time; a failed write is rank 0's alone.
  package var isCollective: Bool {
    if case .cannotWrite = self { false } else { true }
  }

  /// The program's exit status for it: 64 wrong usage, 65 bad input, 73 output cannot be written.
  package var exitStatus: Int32 {
    switch self {
    case .invalidOptions: 64
    case .cannotWrite: 73
    default: 65
    }
  }
}
