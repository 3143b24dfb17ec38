package import Files
package import Formats

/// Why weights could not be read, understood, or written.
package enum ModelError: ErrorWithStatus, Sendable, CustomStringConvertible {
  /// What cannot be an activation's name.
  case notABlob(String)
  /// The network has no activation of this name.
  case unknownBlob(String, network: String, valid: [String])
  /// No network that comes with decaf has this name, and it is no file's.
  case unknownNetwork(String)
  case cannotReadNetwork(SystemError)
  /// A network's description is not understood, or asks for what is not computed here.
  case network(TextFormatError)
  /// The network has it, but the file's weights do not reach so far.
  case unreachableBlob(BlobName, path: String, reachable: [String])
  /// The file could not be opened or mapped.
  case cannotRead(SystemError)
  /// The file is empty, or is of a kind that holds no weights (`found`).
  case notAModel(path: String, found: String)
  /// Weights in a form that is not read; `advice` says what to do.
  case unsupported(path: String, found: String, advice: String)
  /// Several networks have layers of these names and shapes.
  case ambiguous(path: String, networks: [String])
  /// No layer, or not the first one, has a name that the network's layers have.
  case missingLayer(String, path: String, found: [String], expected: [String])
  /// A layer has too many or too few blobs.
  case missingBlob(layer: String, path: String, expected: [String], found: Int)
  /// The numbers are not of the shape that the architecture wants.
  case wrongShape(layer: String, part: String, path: String, expected: [Int], found: [Int])
  /// A blob holds another number of values than its shape says.
  case wrongCount(layer: String, part: String, path: String, expected: Int, found: Int)
  /// The layer's own description in the file contradicts the architecture.
  case wrongSetting(layer: String, path: String, setting: String, expected: String, found: String)
  /// A weight is NaN or infinite.
  case notFinite(layer: String, part: String, path: String, index: Int)
  /// What the file repeats in panels are not the layer's weights.
  case differingPanels(layer: String, path: String)
  case protobuf(ProtobufError)
  case safetensors(SafetensorsError)
  /// A file of another program cannot be read.
  case format(FormatError)
  /// The network reads no square images of three channels.
  case noImages(network: String, input: BlobShape)
  /// ONNX has no operators that compute the layer as it is computed here.
  case notInONNX(layer: String, problem: String)
  /// The name of the file to write ends in nothing that is known.
  case unknownFormat(path: String)
  case cannotWrite(SystemError)

  package var description: String {
    switch self {
    case .notABlob(let name):
      "'\(name)': expected a layer's name, such as pool5, fc6 or fc6:pre"
    case .unknownBlob(let name, let network, let valid):
      """
      unknown layer '\(name)' of \(network); expected one of \(valid.joined(separator: ", ")) \
      (decaf5, decaf6, decaf7 stand for pool5, fc6, fc7; ':pre' is before the ReLU)
      """
    case .unknownNetwork(let name):
      """
      no network '\(name)'; expected one of \
      \(Architecture.allCases.map(\.rawValue).joined(separator: ", ")), or a file whose name ends in \
      .prototxt
      """
    case .cannotReadNetwork(let error):
      "\(error); expected a network's description (.prototxt)"
    case .network(let error): error.description
    case .unreachableBlob(let blob, let path, let reachable):
      """
      \(path) has no weights for layer '\(blob)'; it reaches \(reachable.joined(separator: ", ")); \
      choose one of these or a file that holds the whole network
      """
    case .cannotRead(let error):
      "\(error); expected a network's weights (\(WeightFormats.readEndings()))"
    case .notAModel(let path, let found):
      """
      cannot read weights from \(path): expected a \(WeightFormats.readEndings()) file, \
      found \(found); give the file that holds the weights, complete
      """
    case .unsupported(let path, let found, let advice):
      "cannot read weights from \(path): found \(found); \(advice)"
    case .ambiguous(let path, let networks):
      """
      \(path) fits several networks by names and shapes: \(networks.joined(separator: ", ")); \
      say which it is with --network
      """
    case .missingLayer(let layer, let path, let found, let expected):
      """
      \(path) holds another network: expected weights for '\(layer)', found \
      \(found.isEmpty ? "no layer with weights" : ModelError.list(found)); expected layers are \
      \(ModelError.list(expected)); --network names the network of the weights
      """
    case .missingBlob(let layer, let path, let expected, let found):
      """
      \(layer): expected \(expected.count) blobs (\(expected.joined(separator: ", "))), found \
      \(found) in \(path); --network names the network of the weights
      """
    case .wrongShape(let layer, let part, let path, let expected, let found):
      """
      \(layer) \(part): expected \(ModelError.shape(expected)) values, found \
      \(ModelError.shape(found)) in \(path); \(ModelError.advice(layer, expected, found))
      """
    case .wrongCount(let layer, let part, let path, let expected, let found):
      """
      \(layer) \(part): expected \(expected) values by its shape, found \(found) in \(path); \
      the file is damaged: fetch it again
      """
    case .wrongSetting(let layer, let path, let setting, let expected, let found):
      """
      \(layer): expected \(setting) \(expected), found \(found) in \(path); \
      the network is a variant that would give other activations
      """
    case .notFinite(let layer, let part, let path, let index):
      """
      \(layer) \(part): expected finite numbers, found NaN or infinity at index \(index) in \(path); \
      the file is damaged, or training diverged
      """
    case .differingPanels(let layer, let path):
      """
      \(layer).panels: expected the numbers of \(layer).weight once more, found others in \(path); \
      the file is damaged: fetch it again, or have decaf model convert make panels of the weights
      """
    case .protobuf(let error): error.description
    case .safetensors(let error): error.description
    case .format(let error): error.description
    case .noImages(let network, let input):
      """
      \(network) reads \(input.channels)×\(input.height)×\(input.width); expected square images of \
      three channels
      """
    case .notInONNX(let layer, let problem):
      "\(layer): \(problem) is nothing that ONNX's operators compute; write another format"
    case .unknownFormat(let path):
      """
      cannot write weights to \(path): expected a name that ends in \
      \(WeightFormats.writtenEndings())
      """
    case .cannotWrite(let error):
      "\(error); choose another place for the weights"
    }
  }

  /// `4096×9216`.
  static func shape(_ dimensions: [Int]) -> String {
    dimensions.map(String.init).joined(separator: "×")
  }

  /// At most a dozen names: some networks have hundreds.
  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(12).joined(separator: ", ")
    return names.count > 12 ? "\(shown) and \(names.count - 12) more" : shown
  }

  private static func advice(_ layer: String, _ expected: [Int], _ found: [Int]) -> String {
    switch layer {
    case "fc6" where found.count == 2 && found.first == expected.first:
      let side = 256 * 7 * 7 == found[1] ? "256" : "another"
      return "was the file exported for \(side == "256" ? "256-pixel" : "another size of") input?"
    case "fc8", "classifier.6":
      return "networks with other than 1000 classes need a description of their own (--network "
        + "FILE.prototxt), or leave \(layer) out of the file"
    default:
      return "the file holds another network"
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .notABlob, .unknownBlob, .unknownNetwork, .unknownFormat: .usage
    case .cannotWrite: .cannotCreate
    default: .badInput
    }
  }
}
