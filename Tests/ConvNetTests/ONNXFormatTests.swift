import Formats
import TestSupport
import Testing

@testable import ConvNet
@testable import Tensors

/// ONNX models as torch exports them, under names that tell the layers and under others.
@Suite struct ONNXFormatTests {
  private static let model = Result {
    try Model.generate(
      architecture: Architecture(rawValue: "torchvision")!, seed: 2, through: "features.3")
  }

  /// A model of the layers up to features.5, each with the changes of `settings`.
  ///
  /// - Parameter inputShape: what the model says that it reads, 0 for a size that is left open.
  private func bytes(
    isNamed: Bool, isRaw: Bool = true, inputShape: [Int] = [],
    _ settings: [String: (inout ProtobufEncoder) -> Void] = [:]
  ) throws -> [UInt8] {
    let model = try Self.model.get()
    return ProtobufEncoder.message { file in
      file.number(1, 8)
      file.message(7) { graph in
        var previous = "input"
        if !inputShape.isEmpty { Self.describeInput(inputShape, in: &graph) }
        for layer in model.definition.layers {
          let names = layer.parameters.map {
            isNamed ? "\(layer.name).\($0.name)" : "\(layer.name)-\($0.name)"
          }
          graph.message(1) { node in
            for input in [previous] + names { node.text(1, input) }
            node.text(2, layer.output.name + "_out")
            node.text(
              4, layer.type == "Convolution" ? "Conv" : layer.type == "ReLU" ? "Relu" : "MaxPool")
            Self.describe(layer.kind, in: &node)
            settings[layer.name]?(&node)
          }
          previous = layer.output.name + "_out"
          guard layer.hasParameters else { continue }
          let blobs = zip(layer.parameters, model.storedParameters(layer.name).blobs)
          for (name, (part, blob)) in zip(names, blobs) {
            graph.message(5) { tensor in
              for size in part.shape { tensor.number(1, size) }
              tensor.number(2, 1)
              tensor.text(8, name)
              if isRaw {
                tensor.bytes(9, NPYWriter.floats(blob.floats()))
              } else {
                tensor.packed(4, blob.floats())
              }
            }
          }
        }
      }
    }
  }

  private static func describeInput(_ shape: [Int], in graph: inout ProtobufEncoder) {
    graph.message(11) { input in
      input.text(1, "input")
      input.message(2) { type in
        type.message(1) { tensor in
          tensor.number(1, 1)
          tensor.message(2) { whole in
            for size in shape {
              whole.message(1) { if size > 0 { $0.number(1, size) } else { $0.text(2, "N") } }
            }
          }
        }
      }
    }
  }

  private static func describe(_ kind: any LayerKind, in node: inout ProtobufEncoder) {
    func list(_ name: String, _ values: [Int], _ node: inout ProtobufEncoder) {
      node.message(5) {
        $0.text(1, name)
        for value in values { $0.number(8, value) }
      }
    }
    if let layer = kind as? ConvolutionLayer {
      list("strides", [layer.stride.height, layer.stride.width], &node)
      list("pads", [Int](repeating: layer.padding.height, count: 4), &node)
    } else if kind is PoolingLayer {
      list("kernel_shape", [3, 3], &node)
      list("strides", [2, 2], &node)
    }
  }

  private func open(_ bytes: [UInt8]) throws -> Model {
    try withTemporaryFolder { folder in
      try Model.open(writeTestFile(bytes, "weights", in: folder))
    }
  }

  @Test(arguments: [false, true], [false, true])
  func namesAndFormsDoNotMatter(isNamed: Bool, isRaw: Bool) throws {
    let model = try open(bytes(isNamed: isNamed, isRaw: isRaw))
    #expect(model.architecture.rawValue == "torchvision")
    #expect(try model.weightsSHA256 == Self.model.get().weightsSHA256)
    #expect(model.warnings.isEmpty)
  }

  private func integers(_ name: String, _ values: [Int]) -> (inout ProtobufEncoder) -> Void {
    { node in
      node.message(5) {
        $0.text(1, name)
        for value in values { $0.number(8, value) }
      }
    }
  }

  @Test func otherSettingsAreRefused() throws {
    func error(_ layer: String, _ name: String, _ values: [Int]) throws -> ModelError? {
      let bytes = try bytes(isNamed: true, [layer: integers(name, values)])
      return #expect(throws: ModelError.self) { try open(bytes) }
    }
    guard
      case .wrongSetting("features.0", _, "stride", "4×4", "2×2")? =
        try error("features.0", "strides", [2, 2])
    else {
      Issue.record("another stride was accepted")
      return
    }
    guard
      case .wrongSetting("features.2", _, "kernel size", "3×3", "2×2")? =
        try error("features.2", "kernel_shape", [2, 2])
    else {
      Issue.record("another window was accepted")
      return
    }
    guard
      case .wrongSetting("features.3", _, "padding", _, _)? =
        try error("features.3", "pads", [0, 0, 0, 0])
    else {
      Issue.record("another padding was accepted")
      return
    }
  }

  /// Convolutions take maps of any size, but features of another size are others.
  @Test(arguments: [([0, 3, 224, 224], true), ([1, 3, 224, 0], true), ([1, 3, 227, 227], false)])
  func theInputsSizeIsCompared(shape: [Int], fits: Bool) throws {
    let bytes = try bytes(isNamed: true, inputShape: shape)
    if fits {
      #expect(try open(bytes).architecture.rawValue == "torchvision")
      return
    }
    guard
      case .wrongSetting("data", _, "an input of", "3×224×224", "3×227×227")? =
        #expect(throws: ModelError.self, performing: { try open(bytes) })
    else {
      Issue.record("an input of another size was accepted")
      return
    }
  }

  private func network(slope: Float, pool: String = "MAX") throws -> Architecture {
    let text = """
      name: "small" input: "data" input_shape { dim: 1 dim: 3 dim: 9 dim: 8 }
      layer { name: "c1" type: "Convolution" bottom: "data" top: "c1"
        convolution_param { num_output: 4 kernel_size: 3 } }
      layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" relu_param { negative_slope: \(slope) } }
      layer { name: "c2" type: "Convolution" bottom: "c1" top: "c2"
        convolution_param { num_output: 5 kernel_size: 2 } }
      layer { name: "p2" type: "PReLU" bottom: "c2" top: "c2" }
      layer { name: "g2" type: "Pooling" bottom: "c2" top: "g2"
        pooling_param { pool: \(pool) global_pooling: true } }
      """
    return try Architecture(parsing: Array(text.utf8), source: "small.prototxt")
  }

  /// What is written is read again, and compared with the network.
  @Test func slopesAndGlobalPoolingAreCompared() throws {
    try withTemporaryFolder { folder in
      let model = try Model.generate(architecture: network(slope: 0.25), seed: 3)
      let path = "\(folder)/small.onnx"
      try model.write(to: path)
      #expect(
        try Model.open(path, architecture: network(slope: 0.25)).weightsSHA256
          == model.weightsSHA256)
      for (network, setting) in [
        (try network(slope: 0), "negative slope"), (try network(slope: 0.5), "negative slope"),
        (try network(slope: 0.25, pool: "AVE"), "kind"),
      ] {
        guard
          case .wrongSetting(_, _, setting, _, _)? =
            #expect(
              throws: ModelError.self, performing: { try Model.open(path, architecture: network) })
        else {
          Issue.record("another \(setting) was accepted")
          continue
        }
      }
    }
  }

  @Test func paddingByTheMapsSizeIsRefused() throws {
    let bytes = try bytes(
      isNamed: true,
      [
        "features.3": { node in
          node.message(5) {
            $0.text(1, "auto_pad")
            $0.text(4, "SAME_UPPER")
          }
        }
      ])
    guard
      case .wrongSetting("features.3", _, "padding", _, "auto_pad SAME_UPPER")? =
        #expect(throws: ModelError.self, performing: { try open(bytes) })
    else {
      Issue.record("padding by the map's size was accepted")
      return
    }
  }

  @Test func nodesOfOtherKindsAreRefusedByName() throws {
    let bytes = ProtobufEncoder.message { file in
      file.number(1, 8)
      file.message(7) { graph in
        graph.message(1) { node in
          node.text(1, "x")
          node.text(2, "y")
          node.text(4, "Concat")
        }
      }
    }
    guard
      case .unsupported(_, "a node of type Concat", _)? =
        #expect(throws: ModelError.self, performing: { try open(bytes) })
    else {
      Issue.record("a branch was accepted")
      return
    }
  }
}
