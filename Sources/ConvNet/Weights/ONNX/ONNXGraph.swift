package import Files
internal import Formats
package import Tensors

/// An ONNX model that is written: a chain of nodes with their numbers.
///
/// Source: `ModelProto`, `GraphProto`, `NodeProto`, `TensorProto` and `ValueInfoProto` in ONNX's
/// `onnx/onnx.proto`; “Operator Schemas” says what the nodes compute. Version 13 of the operators, which all
/// readers of the last years know.
package struct ONNXGraph: Sendable {
  package enum Attribute: Sendable {
    case integer(Int)
    case float(Float)
    case integers([Int])
  }

  /// A tensor's numbers.
  package enum Numbers: Sendable {
    case floats(StoredFloats)
    case doubles([Double])
    case integers([Int])
  }

  private struct Value: Sendable {
    let name: String
    /// nil for the number of images.
    let shape: [Int?]
  }

  private struct Node: Sendable {
    let type: String
    let inputs: [String]
    let output: String
    let attributes: [(name: String, value: Attribute)]
  }

  private let name: String
  private var nodes: [Node] = []
  private var tensors: [(name: String, shape: [Int], numbers: Numbers)] = []
  private let input: Value
  private var outputs: [Value] = []
  private var metadata: [(key: String, value: String)] = []
  /// What the last node makes.
  package private(set) var last: String

  /// - Parameters:
  ///   - name: of the network.
  ///   - input: name and shape of what is read, without the number of images.
  package init(name: String, input: (name: String, shape: [Int])) {
    self.name = name
    self.input = Value(name: input.name, shape: [nil] + input.shape)
    last = input.name
  }

  /// Adds a node that reads what the last one makes, and tensors.
  ///
  /// - Parameter output: the name of what it makes.
  package mutating func append(
    _ type: String, _ output: String, tensors: [String] = [],
    _ attributes: [(name: String, value: Attribute)] = []
  ) {
    append(type, inputs: [last] + tensors, output, attributes)
  }

  /// Adds a node.
  package mutating func append(
    _ type: String, inputs: [String], _ output: String,
    _ attributes: [(name: String, value: Attribute)] = []
  ) {
    nodes.append(Node(type: type, inputs: inputs, output: output, attributes: attributes))
    last = output
  }

  package mutating func addTensor(_ name: String, _ shape: [Int], _ numbers: Numbers) {
    tensors.append((name, shape, numbers))
  }

  /// Names what the model gives back.
  ///
  /// - Parameter shape: without the number of images.
  package mutating func addOutput(_ name: String, _ shape: [Int]) {
    outputs.append(Value(name: name, shape: [nil] + shape))
  }

  /// A word for whoever opens the model.
  package mutating func note(_ key: String, _ value: String) { metadata.append((key, value)) }

  private static let (floatType, integerType, doubleType) = (1, 7, 11)

  /// Writes the model; the file appears when it is complete.
  package func write(to path: String) throws(SystemError) {
    var model = ProtobufWriter()
    // Version 8 of the file format goes with version 13 to 17 of the operators.
    model.number(1, 8)
    model.text(2, "decaf")
    model.message(7) { graph in
      for (number, node) in nodes.enumerated() {
        graph.message(1) { write(node, number, in: &$0) }
      }
      graph.text(2, name)
      for tensor in tensors {
        graph.message(5) { write(tensor, in: &$0) }
      }
      graph.message(11) { write(input, in: &$0) }
      for output in outputs { graph.message(12) { write(output, in: &$0) } }
    }
    model.message(8) { $0.number(2, 13) }
    for (key, value) in metadata {
      model.message(14) {
        $0.text(1, key)
        $0.text(2, value)
      }
    }
    let file = try ReplacementFile(path)
    try model.write(to: file)
    try file.commit()
  }

  private func write(_ node: Node, _ number: Int, in message: inout ProtobufWriter) {
    for input in node.inputs { message.text(1, input) }
    message.text(2, node.output)
    message.text(3, "\(node.type)_\(number)")
    message.text(4, node.type)
    for (name, value) in node.attributes {
      message.message(5) { attribute in
        attribute.text(1, name)
        switch value {
        case .integer(let value):
          attribute.number(3, value)
          attribute.number(20, 2)
        case .float(let value):
          attribute.float(2, value)
          attribute.number(20, 1)
        case .integers(let values):
          for value in values { attribute.number(8, value) }
          attribute.number(20, 7)
        }
      }
    }
  }

  private func write(
    _ tensor: (name: String, shape: [Int], numbers: Numbers), in message: inout ProtobufWriter
  ) {
    for size in tensor.shape { message.number(1, size) }
    switch tensor.numbers {
    case .floats(let floats):
      message.number(2, Self.floatType)
      message.text(8, tensor.name)
      message.floats(9, floats)
    case .doubles(let values):
      message.number(2, Self.doubleType)
      message.text(8, tensor.name)
      message.bytes(9, values.flatMap { Self.littleEndian($0.bitPattern) })
    case .integers(let values):
      message.number(2, Self.integerType)
      message.text(8, tensor.name)
      message.bytes(9, values.flatMap { Self.littleEndian(UInt64(bitPattern: Int64($0))) })
    }
  }

  private static func littleEndian(_ bits: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) }
  }

  private func write(_ value: Value, in message: inout ProtobufWriter) {
    message.text(1, value.name)
    message.message(2) { type in
      type.message(1) { tensor in
        tensor.number(1, Self.floatType)
        tensor.message(2) { shape in
          for size in value.shape {
            shape.message(1) { dimension in
              if let size { dimension.number(1, size) } else { dimension.text(2, "N") }
            }
          }
        }
      }
    }
  }
}
