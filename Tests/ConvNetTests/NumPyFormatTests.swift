import Formats
import TestSupport
import Testing

@testable import ConvNet
@testable import Tensors

/// NumPy dictionaries in Caffe's layout and in TensorFlow's give the numbers of the network that they
/// were made of.
@Suite struct NumPyFormatTests {
  /// A convolution, a pooling, and inner products that read a plane and a row.
  private static let network = """
    name: "tiny"
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [1, 3, 9, 9] } } }
    layer {
      name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
      convolution_param { num_output: 4 kernel_size: [3, 2] stride: 2 }
    }
    layer {
      name: "fc6" type: "InnerProduct" bottom: "conv1" top: "fc6"
      inner_product_param { num_output: 5 }
    }
    layer {
      name: "fc7" type: "InnerProduct" bottom: "fc6" top: "fc7"
      inner_product_param { num_output: 5 }
    }
    """

  private static let model = Result {
    try Model.generate(
      architecture: Architecture(parsing: Array(network.utf8), source: "tiny"), seed: 8)
  }

  /// An array as TensorFlow has it: outputs last, and what reads a plane does so pixel by pixel.
  private func turned(
    _ floats: [Float], _ shape: [Int], plane: BlobShape
  ) -> (shape: [Int], floats: [Float]) {
    if shape.count == 1 { return (shape, floats) }
    let (outputs, inputs) = (shape[0], floats.count / shape[0])
    let isFilter = shape.count == 4
    let channels = isFilter ? shape[1] : plane.channels
    let pixels = inputs / channels
    var result: [Float] = []
    for pixel in 0..<pixels {
      for channel in 0..<channels {
        for output in 0..<outputs {
          result.append(floats[output * inputs + channel * pixels + pixel])
        }
      }
    }
    return (isFilter ? [shape[2], shape[3], shape[1], shape[0]] : [inputs, outputs], result)
  }

  private typealias Array4 = (layer: String, part: String, shape: [Int], floats: [Float])

  private func arrays(isTurned: Bool) throws -> [Array4] {
    let model = try Self.model.get()
    return model.definition.layers.filter(\.hasParameters).flatMap { layer in
      zip(layer.parameters, model.storedParameters(layer.name).blobs).map { part, blob in
        let array =
          isTurned
          ? turned(blob.floats(), part.shape, plane: layer.inputShape)
          : (shape: part.shape, floats: blob.floats())
        return (layer.name, part.name, array.shape, array.floats)
      }
    }
  }

  private func open(_ bytes: [UInt8]) throws -> Model {
    try withTemporaryFolder { folder in
      try Model.open(
        writeTestFile(bytes, "weights", in: folder), architecture: Self.model.get().architecture)
    }
  }

  private func text(_ shape: [Int]) -> String { shape.map { "\($0), " }.joined() }

  @Test(arguments: [false, true], [".", "/", "_"])
  func archivesOfBothLayoutsAreRead(isTurned: Bool, separator: String) throws {
    let members = try arrays(isTurned: isTurned).map { array in
      (
        "\(array.layer)\(separator)\(array.part == "bias" ? "b" : "W").npy",
        NPYWriter.array("<f4", text(array.shape), NPYWriter.floats(array.floats))
      )
    }
    for isCompressed in [false, true] {
      let found = try open(NPYWriter.archive(members, isCompressed: isCompressed))
      #expect(try found.weightsSHA256 == Self.model.get().weightsSHA256)
    }
  }

  @Test(arguments: [false, true], [false, true])
  func picklesOfBothLayoutsAreRead(isTurned: Bool, isList: Bool) throws {
    var layers: [String: [(String, PickleObject)]] = [:]
    for part in try arrays(isTurned: isTurned) {
      layers[part.layer, default: []].append(
        (
          part.part == "bias" ? "biases" : "weights",
          PickleObject.array(part.shape, part.floats)
        ))
    }
    let dictionary = PickleObject.dictionary(
      layers.map { ($0, isList ? .list($1.map(\.1)) : .dictionary($1)) })
    func file(_ object: PickleObject) -> [UInt8] {
      let whole = PickleObject.build(
        .call(
          .global("numpy.core.multiarray", "_reconstruct"),
          [.global("numpy", "ndarray"), .tuple([.integer(0)]), .bytes([98])]),
        .tuple([.integer(1), .tuple([]), .none, .bool(false), .list([object])]))
      return NPYWriter.array("|O", "", whole.pickle)
    }
    let model = try open(file(dictionary))
    #expect(try model.weightsSHA256 == Self.model.get().weightsSHA256)
    let error = #expect(throws: ModelError.self) {
      try open(file(.call(.global("os", "system"), [.text("true")])))
    }
    guard case .format(.unsupported(_, "a pickle that names os.system", _))? = error else {
      Issue.record("found \(String(describing: error))")
      return
    }
  }
}
