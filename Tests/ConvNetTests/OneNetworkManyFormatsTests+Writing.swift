import Files
import Formats
import TestSupport

@testable import ConvNet

/// The small network as other programs write it.
extension OneNetworkManyFormatsTests {
  static func caffe(isV1: Bool) throws -> [UInt8] {
    CaffeModelFixture(
      layers: try numbers().map { part in
        CaffeModelFixture.Layer(
          name: part.layer.name, type: part.layer.type, weights: (part.shape, part.weights),
          biases: part.biases)
      }.map { layer in
        var layer = layer
        // A file of weights alone: it says nothing of what is between.
        layer.settings = nil
        if layer.type == "Convolution" {
          layer.settings = (106, Self.convolution(layer.name))
        }
        return layer
      }, isV1: isV1
    ).bytes
  }

  private static func convolution(_ name: String) -> [UInt8] {
    ProtobufEncoder.message {
      if name == "conv1" {
        for (field, value) in [(3, 1), (4, 3), (6, 2)] { $0.number(field, value) }
      } else {
        for (field, value) in [(4, 2), (5, 2)] { $0.number(field, value) }
      }
    }
  }

  /// Caffe's first format, padding as a layer of its own.
  static func firstFormat(stride: Int = 2) throws -> [UInt8] {
    let numbers = try numbers()
    return ProtobufEncoder.message { net in
      func add(
        _ name: String, _ type: String, _ settings: [(Int, Int)] = [],
        floats: [(Int, Float)] = []
      ) {
        net.message(2) {
          $0.message(1) { layer in
            layer.text(1, name)
            layer.text(2, type)
            for (field, value) in settings { layer.number(field, value) }
            for (field, value) in floats { layer.float(field, value) }
            guard let part = numbers.first(where: { $0.layer.name == name }) else { return }
            layer.bytes(50, CaffeModelFixture.blob(part.shape, part.weights))
            layer.bytes(50, CaffeModelFixture.blob([part.biases.count], part.biases))
          }
        }
      }
      add("pad1", "padding", [(7, 1)])
      add("conv1", "conv", [(3, 8), (8, 3), (10, stride)])
      add("relu1", "relu")
      add("pool1", "pool", [(11, 0), (8, 3), (10, 3)])
      add("norm1", "lrn", [(13, 5)], floats: [(14, 1e-4), (15, 0.75)])
      add("conv2", "conv", [(3, 6), (8, 2), (9, 2)])
      add("fc6", "innerproduct", [(3, 5)])
      add("relu6", "relu")
      add("drop6", "dropout")
      add("fc7", "innerproduct", [(3, 4)])
      add("prob", "softmax")
    }
  }

  static func torch(isLegacy: Bool) throws -> [UInt8] {
    var writer = TorchWriter(
      try numbers().flatMap { part in
        [
          TorchWriter.Tensor(part.layer.name + ".weight", part.shape, part.weights),
          TorchWriter.Tensor(part.layer.name + ".bias", [part.biases.count], part.biases),
        ]
      })
    writer.isLegacy = isLegacy
    return writer.bytes
  }

  private static func text(_ shape: [Int]) -> String { shape.map { "\($0), " }.joined() }

  static func archive(isCompressed: Bool) throws -> [UInt8] {
    let members = try numbers().flatMap { part in
      [(".weight", part.shape, part.weights), (".bias", [part.biases.count], part.biases)].map {
        (
          name: part.layer.name + $0.0 + ".npy",
          data: NPYWriter.array("<f4", text($0.1), NPYWriter.floats($0.2))
        )
      }
    }
    return NPYWriter.archive(members, isCompressed: isCompressed)
  }

  /// As caffe-tensorflow: outputs last, planes pixel by pixel.
  static func tensorFlow() throws -> [UInt8] {
    let layers = try numbers().map { part in
      let turned = part.turned(part.filters, [2, 3, 1, 0])
      let (filters, count) = (part.filters, part.weights.count)
      let shape =
        part.shape.count == 4
        ? [filters[2], filters[3], filters[1], filters[0]] : [count / filters[0], filters[0]]
      return (
        part.layer.name,
        PickleObject.dictionary([
          ("weights", .array(shape, turned)), ("biases", .array([part.biases.count], part.biases)),
        ])
      )
    }
    let whole = PickleObject.build(
      .call(
        .global("numpy.core.multiarray", "_reconstruct"),
        [.global("numpy", "ndarray"), .tuple([.integer(0)]), .bytes([98])]),
      .tuple([.integer(1), .tuple([]), .none, .bool(false), .list([.dictionary(layers)])]))
    return NPYWriter.array("|O", "", whole.pickle)
  }

  /// MatConvNet's: arrays with the first index running fastest.
  ///
  /// - Parameters:
  ///   - far: padding at the far edges of pool1.
  ///   - normalization: what the file says of its input; nothing where it is empty.
  static func matlab(
    stride: Double = 2, alpha: Double = 1e-4, far: Double = 2,
    normalization: [(String, [UInt8])] = []
  ) throws -> [[UInt8]] {
    let numbers = try numbers()
    func few(_ values: Double...) -> [UInt8] {
      MATWriter.doubles("", shape: [1, values.count], values)
    }
    func layer(_ name: String, _ type: String, _ fields: [(String, [UInt8])] = []) -> [UInt8] {
      var all = [("name", MATWriter.text("", name)), ("type", MATWriter.text("", type))]
      if let part = numbers.first(where: { $0.layer.name == name }) {
        let filters = part.filters
        // H × W × C × N in column order is N × C × W × H in row order.
        let weights = MATWriter.floats(
          "", shape: [filters[2], filters[3], filters[1], filters[0]],
          part.turned(filters, [0, 1, 3, 2]))
        let biases = MATWriter.matrix(
          "", shape: [1, part.biases.count], kind: 7, stored: 2, part.biases.map { UInt8($0) })
        all.append(("weights", MATWriter.cellArray("", [weights, biases])))
      }
      return MATWriter.structure("", all + fields)
    }
    let layers = [
      layer("conv1", "conv", [("pad", few(1, 1, 1, 1)), ("stride", few(stride, stride))]),
      layer("relu1", "relu"),
      layer(
        "pool1", "pool",
        [
          ("pool", few(3, 3)), ("pad", few(0, far, 0, far)), ("stride", few(3)),
          ("method", MATWriter.text("", "max")),
        ]),
      layer("norm1", "normalize", [("param", few(5, 1, alpha / 5, 0.75))]),
      layer("conv2", "conv", [("pad", few(0)), ("stride", few(1, 1))]),
      layer("fc6", "conv", [("pad", few(0)), ("stride", few(1))]),
      layer("relu6", "relu"),
      layer("fc7", "conv"),
      layer("prob", "softmax"),
    ]
    return [
      MATWriter.cellArray("layers", layers)
    ] + (normalization.isEmpty ? [] : [MATWriter.structure("normalization", normalization)])
  }

  /// DeCAF's own release: cuda-convnet's list of layers.
  static func cudaConvNet(stride: Int = 2, scale: Double = 2e-5) throws -> [UInt8] {
    let numbers = try numbers()
    func list(_ value: Int) -> PickleObject { .list([.integer(value)]) }
    func layer(_ name: String, _ type: String, _ fields: [(String, PickleObject)] = [])
      -> PickleObject
    {
      var all = [("name", PickleObject.text(name)), ("type", .text(type))] + fields
      if let part = numbers.first(where: { $0.layer.name == name }) {
        // (inputs · height · width) × outputs.
        let (outputs, count) = (part.shape[0], part.weights.count)
        all.append(
          (
            "weights",
            .list([
              .array([count / outputs, outputs], part.turned([outputs, count / outputs], [1, 0]))
            ])
          ))
        all.append(("biases", .array([1, part.biases.count], part.biases)))
      }
      return .dictionary(all)
    }
    func neuron(_ name: String, _ type: String) -> PickleObject {
      layer(name, "neuron", [("neuron", .dictionary([("type", .text(type))]))])
    }
    return PickleObject.list([
      layer("data", "data"),
      layer(
        "conv1", "conv",
        [
          ("filters", .integer(8)), ("filterSize", list(3)), ("stride", list(stride)),
          ("padding", list(-1)), ("groups", list(1)), ("channels", list(3)),
        ]),
      neuron("conv1_neuron", "relu"),
      layer(
        "pool1", "pool",
        [
          ("pool", .text("max")), ("sizeX", .integer(3)), ("stride", .integer(3)),
          ("start", .integer(0)),
        ]),
      layer(
        "rnorm1", "cmrnorm",
        [("size", .integer(5)), ("scale", .float(scale)), ("pow", .float(0.75))]),
      layer(
        "conv2", "conv",
        [
          ("filters", .integer(6)), ("filterSize", list(2)), ("stride", list(1)),
          ("padding", list(0)), ("groups", list(2)), ("channels", list(8)),
        ]),
      layer("fc6", "fc"),
      neuron("fc6_neuron", "relu"),
      neuron("fc6_dropout", "dropout"),
      layer("fc7", "fc"),
      layer("probs", "softmax"),
      layer("cost", "cost.logreg"),
    ]).pickle
  }
}
