internal import Files
internal import Tensors

/// The tensors that a pickle of PyTorch describes.
struct TorchPickle {
  private let pickle: Pickle
  private let path: String

  init(_ pickle: Pickle, path: String) { (self.pickle, self.path) = (pickle, path) }

  private static let storages: [String: ElementType] = [
    "FloatStorage": .float32, "DoubleStorage": .float64, "HalfStorage": .float16,
    "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32,
    "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .uint8,
  ]

  private static let parameter: Set = [
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
  ]
  private static let tensor: Set = [
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
  ]

  /// Everything that may be named in such a pickle; none of it is called.
  static let allowed: Set<String> = parameter.union(tensor).union(
    ["collections.OrderedDict", "torch.Size"] + storages.keys.map { "torch." + $0 })

  /// Dictionaries in dictionaries: deeper ones hold no network's numbers.
  private static let depthLimit = 8
  private static let tensorLimit = 1 << 16

  /// All tensors in the dictionary, named by the keys that lead to them; what else is in it (an epoch's
  /// number) is left aside. Of a checkpoint (`{"state_dict": …, "optimizer": …}`) the network's alone.
  ///
  /// - Parameter storage: the bytes of the file in which a storage's numbers are, by its key.
  /// - Throws: `FormatError`.
  func tensors(
    in file: MappedFile, storage: (String) throws(FormatError) -> Range<Int>
  ) throws(FormatError) -> [TorchFile.Tensor] {
    guard var entries = pickle.entries(pickle.root) else {
      throw .unsupported(
        path: path, found: "no dictionary of tensors",
        advice: "save one: torch.save(model.state_dict(), FILE)")
    }
    for key in ["state_dict", "model_state_dict", "model"] {
      if let inner = entries.first(where: { $0.key == key }).flatMap({ pickle.entries($0.value) }) {
        entries = inner
        break
      }
    }
    var tensors: [TorchFile.Tensor] = []
    // In place of recursion, so that the order stays and depth costs nothing.
    var waiting = entries.reversed().map { (name: $0.key, value: $0.value, depth: 1) }
    var visitCount = 0
    while let (name, value, depth) = waiting.popLast() {
      visitCount += 1
      guard visitCount <= Self.tensorLimit else {
        throw .unsupported(
          path: path, found: "more than \(Self.tensorLimit) entries",
          advice: "expected a network's tensors alone")
      }
      if let inner = pickle.entries(value), depth < Self.depthLimit,
        waiting.count + inner.count <= Self.tensorLimit
      {
        waiting += inner.reversed().map { ("\(name).\($0.key)", $0.value, depth + 1) }
      } else if let tensor = try tensor(value, name, file, storage) {
        tensors.append(tensor)
      }
    }
    return tensors
  }

  /// What the storages that the pickle names hold, by key.
  func storageElements() throws(FormatError) -> [String: ElementType] {
    var elements: [String: ElementType] = [:]
    for node in pickle.nodes where node.kind == .persistent {
      let (key, element, _) = try storage(node.items[0])
      elements[key] = element
    }
    return elements
  }

  /// `("storage", type, key, device, count)`.
  private func storage(
    _ value: Pickle.Value
  ) throws(FormatError) -> (key: String, element: ElementType, count: Int) {
    guard let parts = pickle.elements(value), parts.count >= 5,
      pickle.text(parts[0]) == "storage", let type = pickle.name(parts[1]),
      let element = Self.storages[String(type.dropFirst("torch.".count))],
      let key = pickle.text(parts[2]), let count = pickle.integer(parts[4]), count >= 0
    else { throw .damaged(path: path, problem: "a storage is not described as PyTorch does it") }
    return (key, element, count)
  }

  private func tensor(
    _ value: Pickle.Value, _ name: String, _ file: MappedFile,
    _ storageBytes: (String) throws(FormatError) -> Range<Int>
  ) throws(FormatError) -> TorchFile.Tensor? {
    guard let outer = pickle.call(value) else { return nil }
    // A parameter is a tensor with a mark on it.
    let isParameter = Self.parameter.contains(outer.function)
    guard let (function, parts) = isParameter ? pickle.call(outer.arguments.first) : outer,
      Self.tensor.contains(function)
    else { return nil }
    let damaged = FormatError.damaged(
      path: path, problem: "the tensor \(name) is not described as PyTorch does it")
    guard parts.count >= 4, let stored = pickle.node(parts[0]), stored.kind == .persistent,
      let first = pickle.integer(parts[1]), first >= 0, let shape = pickle.integers(parts[2]),
      let strides = pickle.integers(parts[3]), shape.count == strides.count, shape.count <= 16,
      shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }),
      shape.product(times: 8) != nil
    else { throw damaged }
    let (key, element, _) = try storage(stored.items[0])
    let bytes = try storageBytes(key)
    guard Self.reaches(shape, strides, first, within: bytes.count / element.byteCount) else {
      throw .damaged(
        path: path,
        problem: "the tensor \(name) of shape \(shape) is larger than its storage of "
          + "\(bytes.count / element.byteCount) numbers")
    }
    let isFloat = element.isFloat
    return TorchFile.Tensor(
      name: name, shape: shape,
      floats: isFloat
        ? StoredFloats(
          file,
          StridedNumbers(
            element, offset: bytes.lowerBound + first * element.byteCount, shape: shape,
            strides: strides)) : nil)
  }

  /// All places of the array are among the first `count`.
  private static func reaches(
    _ shape: [Int], _ strides: [Int], _ first: Int, within count: Int
  ) -> Bool {
    if shape.contains(0) { return first <= count }
    var last = first
    guard last < count else { return false }
    for (size, stride) in zip(shape, strides) where size > 1 {
      guard stride <= (count - 1 - last) / (size - 1) else { return false }
      last += (size - 1) * stride
    }
    return true
  }
}
