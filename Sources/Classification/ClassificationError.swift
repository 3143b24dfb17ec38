package import Files

/// What goes wrong in training a classifier, storing it and predicting with it.
package enum ClassificationError: ErrorWithStatus, Equatable, Sendable, CustomStringConvertible {
  /// Options outside their range, each with its reason.
  case invalidOptions([String])
  /// No row is both usable and labelled.
  case noRows(source: String, failed: Int, unlabelled: Int)
  /// All labelled rows belong to one class.
  case oneClass(source: String, name: String)
  /// A row that is not marked as failed holds NaN, infinity or a value too large to compute with.
  case notFinite(source: String, row: Int)
  /// A fold that holds no row out, or leaves fewer than two classes to train on.
  case unusableFold(source: String, fold: Int, foldCount: Int)
  /// Sources whose rows have different widths cannot be trained on together.
  case widthsDiffer(source: String, width: Int, first: String, firstWidth: Int)
  /// As many weights as rows were expected.
  case weightCount(source: String, found: Int, expected: Int)
  /// A weight that is negative, too large or not a number; `of` says whose.
  case invalidWeight(of: String, value: Double)
  /// The features were made otherwise than those the classifier was trained on.
  case incompatibleFeatures(source: String, differences: [String])
  /// Stores whose features were made differently cannot be trained on together.
  case incompatibleStores(first: String, source: String, differences: [String])
  /// A file of weights that cannot be understood.
  case invalidWeights(path: String, line: Int, problem: String)
  /// A file that is not a classifier of this program, or a damaged one.
  case invalidClassifier(path: String, reason: String)
  /// A sum over the rows went beyond what sums hold, whatever the ranks; `of` says which.
  case saturated(String)
  /// Training ended with more than half of the objective unproved.
  case unproved(relativeGap: Double, iterations: Int, isExhausted: Bool)
  /// A checkpoint that cannot be understood.
  case invalidCheckpoint(path: String, reason: String)
  /// The checkpoint is of a training that differs in what `differences` names.
  case otherTraining(path: String, differences: [String])
  /// The classifier, the predictions or a checkpoint could not be written.
  case cannotWrite(SystemError)
  /// The certified gap stayed above the tolerance, and the caller insisted.
  case notConverged(relativeGap: Double, tolerance: Double, iterations: Int)
  /// The certified gap stayed above the tolerance, which rounding does not let it reach.
  case floorReached(relativeGap: Double, tolerance: Double)

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
    case .unusableFold(let source, let fold, let foldCount):
      "cannot cross-validate on \(source): of \(foldCount) folds, fold \(fold) holds no row out or "
        + "leaves fewer than two classes to train on; take fewer --folds or more rows a class"
    case .widthsDiffer(let source, let width, let first, let firstWidth):
      "cannot train on both \(first) and \(source): expected rows of \(firstWidth) features, as in "
        + "the first, found \(width); name a layer that is the same in all stores"
    case .weightCount(let source, let found, let expected):
      "cannot weigh the rows of \(source): expected \(expected) weights, one a row, found \(found)"
    case .invalidWeight(let whose, let value):
      "cannot weigh \(whose): expected a number from 0 to 1e15, found \(value)"
    case .incompatibleFeatures(let source, let differences):
      "cannot apply the classifier to \(source): its features were made otherwise: "
        + differences.joined(separator: "; ")
    case .incompatibleStores(let first, let source, let differences):
      "cannot train on both \(first) and \(source): the features of the second were made otherwise: "
        + differences.joined(separator: "; ")
    case .invalidWeights(let path, let line, let problem):
      "cannot read weights from \(path): line \(line): \(problem)"
    case .invalidClassifier(let path, let reason):
      "cannot read classifier \(path): \(reason); expected a file written by `decaf train`"
    case .saturated(let quantity):
      "cannot train on these features with this C: the sum of \(quantity) over the rows is beyond "
        + "what sums hold; bring the features to a common scale by --standardize or --normalize l2, "
        + "or take a smaller --C"
    case .unproved(let relativeGap, let iterations, let isExhausted):
      "training \(isExhausted ? "found no better point" : "stopped") after \(iterations) "
        + "iterations, and its duality gap is \(relativeGap) of the objective, expected at most 0.5 "
        + "of any use: the classifier may be far from the best; bring the features to a common scale "
        + "by --standardize or --normalize l2, take a smaller --C, or allow more --max-iterations"
    case .invalidCheckpoint(let path, let reason):
      "cannot continue from \(path): \(reason); expected the checkpoint of an unfinished training; "
        + "remove it, or begin anew with --overwrite"
    case .otherTraining(let path, let differences):
      "\(path) is the checkpoint of another training: \(differences.joined(separator: "; ")); "
        + "finish that one, choose another --output, or begin anew with --overwrite"
        + (differences.count == 1 && differences[0].hasPrefix("kernelClass:")
          ? "; DECAF_KERNEL sets the kernels" : "")
    case .cannotWrite(let error):
      "\(error); choose another --output or make room, and run the same command again"
    case .notConverged(let relativeGap, let tolerance, let iterations):
      "training stopped after \(iterations) iterations at relative gap \(relativeGap), above the "
        + "tolerance \(tolerance); allow more with --max-iterations, or lower --C"
    case .floorReached(let relativeGap, let tolerance):
      "training ended at relative gap \(relativeGap), above the tolerance \(tolerance): nothing gets "
        + "better any more, for the rounding of double precision is what is left; take a larger --tolerance, --normalize l2, or a smaller --C"
    }
  }

  /// Whether every rank meets it at the same time; a failed write is rank 0's alone.
  package var isCollective: Bool {
    if case .cannotWrite = self { false } else { true }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .invalidOptions: .usage
    case .cannotWrite, .otherTraining: .cannotCreate
    default: .badInput
    }
  }
}
