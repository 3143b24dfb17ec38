internal import Files
internal import Formats
internal import Tensors

/// What an ONNX file says of a network: its nodes in order, and its tensors still in the file.
///
/// Source: `ModelProto`, `GraphProto`, `NodeProto` and `TensorProto` in ONNX's `onnx/onnx.proto`.
struct ONNXModel {
  struct Node {
    var type = ""
    var inputs = [String]()
    var outputs = [String]()
    var attributes = [String: Attribute]()
  }

  struct Attribute {
    var float: Float?
    var integer: Int?
    var integers = [Int]()
    var text: String?
  }

  struct Tensor {
    var name = ""
    var shape = [Int]()
    /// Nil for other numbers than floats.
    var blob: ModelFile.Blob?
  }

  private(set) var nodes = [Node]()
  private(set) var tensors = [Tensor]()
  /// The shapes of what the graph reads, by name; 0 for sizes that are left open.
  private(set) var inputShapes = [String: [Int]]()
  private let file: MappedFile

  /// More nodes, tensors or numbers of a setting than any chain has.
  private static let limit = 1 << 16
  private static let elements: [UInt64: ElementType] = [
    1: .float32, 10: .float16, 11: .float64, 16: .bfloat16,
  ]

  /// An ONNX model has a version (field 1, a number) and a graph (field 7); `.caffemodel` files have a
  /// name in field 1.
  static func isModel(_ file: MappedFile) -> Bool {
    var reader = ProtobufReader(file, 0..<file.byteCount, part: "the file")
    var (hasVersion, hasGraph) = (false, false)
    for _ in 0..<64 {
      guard let field = try? reader.next() else { break }
      switch (field.number, field.value) {
      case (1, .varint): hasVersion = true
      case (1, _): return false
      case (7, .bytes): hasGraph = true
      default: break
      }
      if hasVersion && hasGraph { return true }
    }
    return false
  }

  init(_ file: MappedFile) throws(ModelError) {
    self.file = file
    var reader = ProtobufReader(file, 0..<file.byteCount, part: "the model")
    do throws(ProtobufError) {
      while let field = try reader.next() {
        if case .bytes(let range) = field.value, field.number == 7 { try readGraph(range) }
      }
    } catch { throw .protobuf(error) }
    if isExternal {
      throw .unsupported(
        path: file.path, found: "tensors kept in another file",
        advice: "put them into the model: "
          + "onnx.save(onnx.load(FILE), NEW, save_as_external_data=False)")
    }
  }

  private var isExternal = false

  private mutating func readGraph(_ range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(file, range, part: "the graph")
    while let field = try reader.next() {
      guard case .bytes(let range) = field.value else { continue }
      switch field.number {
      case 1: nodes.append(try node(range, "node \(nodes.count)"))
      case 5: tensors.append(try tensor(range, "initializer \(tensors.count)"))
      case 11:
        let (name, shape) = try input(range)
        inputShapes[name] = shape
      default: break
      }
      guard nodes.count + tensors.count + inputShapes.count <= Self.limit else {
        throw reader.malformed("more than \(Self.limit) nodes")
      }
    }
  }

  /// Reads a `ValueInfoProto`: a name, and a type that holds a tensor's shape.
  private func input(
    _ range: Range<Int>
  ) throws(ProtobufError) -> (name: String, shape: [Int]) {
    var (name, shape) = ("", [Int]())
    var reader = ProtobufReader(file, range, part: "an input")
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let range)): name = reader.text(range)
      case (2, .bytes(let range)):
        // TypeProto.tensor_type, TypeProto.Tensor.shape, TensorShapeProto.dim.
        for tensor in try messages(1, in: range) {
          for whole in try messages(2, in: tensor) {
            for dimension in try messages(1, in: whole).prefix(16) {
              shape.append(try size(dimension))
            }
          }
        }
      default: break
      }
    }
    return (name, shape)
  }

  /// Reads a `TensorShapeProto.Dimension`: a number, or a name for one that is left open.
  private func size(_ range: Range<Int>) throws(ProtobufError) -> Int {
    var reader = ProtobufReader(file, range, part: "the size of an input")
    while let field = try reader.next() {
      if case .varint(let value) = field.value, field.number == 1 { return Int(clamping: value) }
    }
    return 0
  }

  /// The messages in the fields of this number.
  private func messages(
    _ number: Int, in range: Range<Int>
  ) throws(ProtobufError) -> [Range<Int>] {
    var found = [Range<Int>]()
    var reader = ProtobufReader(file, range, part: "the type of an input")
    while let field = try reader.next() {
      if case .bytes(let range) = field.value, field.number == number { found.append(range) }
    }
    return found
  }

  private func node(_ range: Range<Int>, _ part: String) throws(ProtobufError) -> Node {
    var node = Node()
    var reader = ProtobufReader(file, range, part: part)
    while let field = try reader.next() {
      guard case .bytes(let range) = field.value else { continue }
      switch field.number {
      case 1: node.inputs.append(reader.text(range))
      case 2: node.outputs.append(reader.text(range))
      case 4: node.type = reader.text(range)
      case 5:
        let (name, attribute) = try attribute(range, part)
        node.attributes[name] = attribute
      default: break
      }
    }
    return node
  }

  private func attribute(
    _ range: Range<Int>, _ part: String
  ) throws(ProtobufError) -> (name: String, Attribute) {
    var (name, attribute) = ("", Attribute())
    var reader = ProtobufReader(file, range, part: "an attribute of \(part)")
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let range)): name = reader.text(range)
      case (2, .fixed32(let offset)): attribute.float = file.float(at: offset)
      case (4, .bytes(let range)): attribute.text = reader.text(range)
      case (3, .varint(let value)): attribute.integer = Int(truncatingIfNeeded: value)
      case (8, .varint(let value)): attribute.integers.append(Int(truncatingIfNeeded: value))
      case (8, .bytes(let range)):
        var packed = ProtobufReader(file, range, part: reader.part)
        attribute.integers += try packed.varints(limit: 64).map { Int(truncatingIfNeeded: $0) }
      default: break
      }
      guard attribute.integers.count <= 64 else { throw reader.malformed("more than 64 numbers") }
    }
    return (name, attribute)
  }

  private mutating func tensor(
    _ range: Range<Int>, _ part: String
  ) throws(ProtobufError) -> Tensor {
    var tensor = Tensor()
    var element: ElementType?
    var segments = [(ElementType, Range<Int>)]()
    var reader = ProtobufReader(file, range, part: part)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1, .varint(let value)): tensor.shape.append(Int(clamping: value))
      case (1, .bytes(let range)):
        var packed = ProtobufReader(file, range, part: part)
        tensor.shape += try packed.varints(limit: 64).map { Int(clamping: $0) }
      case (2, .varint(let value)): element = Self.elements[value]
      case (4, .bytes(let range)): segments.append((.float32, range))
      case (8, .bytes(let range)): tensor.name = reader.text(range)
      case (9, .bytes(let range)): segments.append((element ?? .float32, range))
      case (10, .bytes(let range)): segments.append((.float64, range))
      case (14, .varint(1)): isExternal = true
      default: break
      }
      guard tensor.shape.count <= 64, segments.count <= 64 else {
        throw reader.malformed("more than 64 dimensions or pieces")
      }
    }
    guard let element else { return tensor }
    var found = [StoredFloats.Segment]()
    for (type, range) in segments where type == element {
      guard range.count % type.byteCount == 0 else {
        throw reader.malformed("\(range.count) bytes for numbers of \(type.byteCount)")
      }
      found.append(
        StoredFloats.Segment(
          type, offset: range.lowerBound, count: range.count / type.byteCount))
    }
    tensor.blob = ModelFile.Blob(shape: tensor.shape, floats: StoredFloats(file, found))
    return tensor
  }
}
