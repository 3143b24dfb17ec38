internal import Classification
internal import ConvNet
internal import FeatureStore
internal import Files
internal import Foundation
internal import Tensors

/// A classifier as an ONNX model: of features, or of images with the network before it.
///
/// It gives back `scores`, the logits or margins, and of softmax `probabilities` too.
struct ClassifierGraph {
  private var graph: ONNXGraph

  /// A model of features, N × width.
  init(_ classifier: Classifier) throws {
    graph = ONNXGraph(name: "classifier", input: ("features", [classifier.width]))
    try append(classifier)
  }

  /// A model of the network's inputs.
  ///
  /// - Throws: `ClassifierGraphError` when the classifier's features are of another network, or are
  ///   more than the network's activations; `ModelError`.
  init(_ classifier: Classifier, behind model: Model) throws {
    let recipe = classifier.features.recipe
    guard recipe.model.sha256 == model.weightsSHA256.hexadecimal,
      recipe.model.architecture == model.architecture.rawValue
    else {
      throw ClassifierGraphError.anotherModel(
        path: model.path, expected: "\(recipe.model.architecture) \(recipe.model.sha256)",
        found: "\(model.architecture.rawValue) \(model.weightsSHA256)")
    }
    guard recipe.views == Views.center.rawValue else {
      throw ClassifierGraphError.severalViews(recipe.views)
    }
    graph = try model.onnxGraph(through: try BlobName(parsing: classifier.features.layer))
    graph.append("Flatten", "features", [("axis", .integer(1))])
    try append(classifier)
  }

  func write(to path: String) throws { try graph.write(to: path) }

  /// What `Classifier.scores` does to a row: length, means and factors, products, biases.
  private mutating func append(_ classifier: Classifier) throws {
    let (width, count) = (classifier.width, classifier.classes.count)
    if classifier.training.normalization == .l2 {
      let row = graph.last
      graph.append(
        "ReduceL2", "length", [("axes", .integers([1])), ("keepdims", .integer(1))])
      // A row of zeros stays as it is.
      graph.addTensor("shortest", [1], .floats(StoredFloats([Float.leastNormalMagnitude])))
      graph.append("Max", "divisor", tensors: ["shortest"])
      graph.append("Div", inputs: [row, "divisor"], "row")
    }
    if let scaling = classifier.scaling {
      graph.addTensor("mean", [width], .floats(StoredFloats(scaling.means)))
      graph.addTensor("factor", [width], .floats(StoredFloats(scaling.factors)))
      graph.append("Sub", "centred", tensors: ["mean"])
      graph.append("Mul", "scaled", tensors: ["factor"])
    }
    let isNarrow = classifier.isNarrow == (true, true)
    func numbers(_ values: [Double]) -> ONNXGraph.Numbers {
      isNarrow ? .floats(StoredFloats(values.map { Float($0) })) : .doubles(values)
    }
    graph.addTensor("weight", [count, width], numbers(classifier.weights))
    graph.addTensor("bias", [count], numbers(classifier.bias))
    // Weights that single precision would change are multiplied in double precision.
    if !isNarrow { graph.append("Cast", "wide", [("to", .integer(11))]) }
    graph.append(
      "Gemm", isNarrow ? "scores" : "wide-scores", tensors: ["weight", "bias"],
      [("transB", .integer(1))])
    if !isNarrow { graph.append("Cast", "scores", [("to", .integer(1))]) }
    graph.addOutput("scores", [count])
    if classifier.training.loss == .softmax {
      graph.append("Softmax", "probabilities", [("axis", .integer(1))])
      graph.addOutput("probabilities", [count])
    }
    let features = classifier.features
    graph.note("classes", JSONValue.array(classifier.classes.map { .string($0) }).compactText)
    graph.note("layer", features.layer)
    graph.note("features", try JSONValue(encoding: features).compactText)
    graph.note("loss", classifier.training.loss.rawValue)
  }
}

/// Why a classifier does not go behind a network in one model.
enum ClassifierGraphError: ErrorWithStatus, Equatable, CustomStringConvertible {
  case anotherModel(path: String, expected: String, found: String)
  case severalViews(String)

  var description: String {
    switch self {
    case .anotherModel(let path, let expected, let found):
      "\(path) is not the network that the classifier's features are of: expected \(expected), found "
        + found
    case .severalViews(let views):
      "the classifier's features are of several views of an image (\(views)): expected center; write "
        + "the classifier alone, without --model"
    }
  }

  var exitStatus: ExitStatus { .badInput }
}
