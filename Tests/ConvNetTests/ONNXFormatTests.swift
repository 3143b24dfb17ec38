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
  private func bytes(
    isNamed: Bool, isRaw: Bool = true,
    _ settings: [String: (inout ProtobufEncoder) -> Void] = [:]
  ) throws -> [UInt8] {
    let model = try Self.model.get()
    return ProtobufEncoder.message { file in
      file.number(1, 8)
      file.message(7) { graph in
        var previous = "input"
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
