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
  /// - Parameter places: where the numbers of these storages are, by their keys.
  /// - Throws: `FormatError`.
  func tensors(
    places: (Set<String>) throws(FormatError) -> [String: TorchFile.Place]
  ) throws(FormatError) -> [TorchFile.Tensor] {
    let views = try views()
    let places = try places(Set(views.map(\.storage)))
    return try views.map { view throws(FormatError) in
      guard let place = places[view.storage] else {
        throw .damaged(path: path, problem: "the numbers of storage \(view.storage) are missing")
      }
      return try tensor(view, in: place)
    }
  }

  /// A tensor as the pickle describes it.
  private struct View {
    let name: String
    let storage: String
    let element: ElementType
    /// Of the storage's numbers.
    let first: Int
    let shape: [Int]
    let strides: [Int]
  }

  private func views() throws(FormatError) -> [View] {
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
    var views: [View] = []
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
      } else if let view = try view(value, name) {
        views.append(view)
      }
    }
    return views
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

  /// The tensor that a value is; nil for others.
  private func view(_ value: Pickle.Value, _ name: String) throws(FormatError) -> View? {
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
    return View(
      name: name, storage: key, element: element, first: first, shape: shape, strides: strides)
  }

  private func tensor(
    _ view: View, in place: TorchFile.Place
  ) throws(FormatError) -> TorchFile.Tensor {
    let size = view.element.byteCount
    let count = place.range.count / size
    guard Self.reaches(view.shape, view.strides, view.first, within: count) else {
      throw .damaged(
        path: path,
        problem: "the tensor \(view.name) of shape \(view.shape) is larger than its storage of "
          + "\(count) numbers")
    }
    let numbers = {
      StoredFloats(
        place.file,
        StridedNumbers(
          view.element, offset: place.range.lowerBound + view.first * size, shape: view.shape,
          strides: view.strides))
    }
    return TorchFile.Tensor(
      name: view.name, shape: view.shape, floats: view.element.isFloat ? numbers() : nil)
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
