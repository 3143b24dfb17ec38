package import Files
package import Formats

/// Why a network is not trained.
package enum TrainingError: ErrorWithStatus, Sendable, CustomStringConvertible {
  /// A network's or solver's text asks for what is not done.
  case text(TextFormatError)
  /// A layer of the network cannot be trained; the reason says what would have to be otherwise.
  case untrainable(layer: String, reason: String)
  /// The network has no layer of that name that the option could mean.
  case unknownLayer(String, option: String, expected: [String])
  /// The model's weights do not reach the layer, and nothing says that it starts anew.
  case missingWeights(layer: String, model: String)
  /// Ranks read other lists, weights or networks under the same names.
  case ranksDiffer
  /// Options that contradict each other, or mean nothing.
  case invalidOptions([String])
  /// The network has another number of classes than the list.
  case wrongClassCount(layer: String, outputs: Int, classes: Int)
  /// The images are made smaller or larger than the network reads them.
  case wrongInputSize(transform: String, found: String, expected: String)
  /// The list has nothing to train on, or nothing to validate on.
  case noImages(list: String, reason: String)
  /// The validation list has a class that the training list does not have.
  case unknownClass(String, list: String)
  /// The loss, or a gradient, is no number any more, or beyond all bounds.
  case diverged(iteration: Int, what: String, checkpoint: String?)
  case cannotWrite(SystemError)
  /// A checkpoint cannot be used.
  case invalidCheckpoint(path: String, reason: String)
  case otherTraining(path: String, differences: [String])

  package var description: String {
    switch self {
    case .text(let error): "\(error)"
    case .untrainable(let layer, let reason): "\(layer) cannot be trained: \(reason)"
    case .unknownLayer(let name, let option, let expected):
      """
      \(option) \(name): the network has no such layer; expected one of \
      \(expected.joined(separator: ", "))
      """
    case .missingWeights(let layer, let model):
      """
      \(model) has no weights for \(layer); let the layer start anew by --replace \(layer), or give \
      the whole network's weights
      """
    case .ranksDiffer:
      """
      the ranks do not read the same list, weights and network under these names; do all hosts see \
      the same files?
      """
    case .invalidOptions(let problems): problems.joined(separator: "; ")
    case .wrongClassCount(let layer, let outputs, let classes):
      """
      \(layer) makes \(outputs) numbers, but the list has \(classes) classes; give it as many by \
      --replace \(layer):\(classes), or in the network's description
      """
    case .wrongInputSize(let transform, let found, let expected):
      """
      the input transform \(transform) makes \(found) inputs, the network reads \(expected); choose \
      another --preprocess
      """
    case .noImages(let list, let reason): "\(list): \(reason)"
    case .unknownClass(let name, let list):
      "\(list): class “\(name)” is not in the training list; expected only classes that are"
    case .diverged(let iteration, let what, let checkpoint):
      """
      training diverged at iteration \(iteration): \(what); try a smaller --base-lr or a \
      --warm-up\(checkpoint.map { "; the last sound checkpoint is \($0)" } ?? "")
      """
    case .cannotWrite(let error): "\(error)"
    case .invalidCheckpoint(let path, let reason):
      "\(path): \(reason); remove it, or start anew with --overwrite"
    case .otherTraining(let path, let differences):
      """
      \(path) is the checkpoint of another training (\(differences.joined(separator: "; "))); remove \
      it, choose another --output, or start anew with --overwrite
      """
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .text, .untrainable, .missingWeights, .ranksDiffer, .wrongClassCount, .noImages,
      .unknownClass, .diverged,
      .invalidCheckpoint:
      .badInput
    case .unknownLayer, .wrongInputSize, .invalidOptions: .usage
    case .cannotWrite, .otherTraining: .cannotCreate
    }
  }
}
