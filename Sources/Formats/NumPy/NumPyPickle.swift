package import Files
package import Tensors

/// NumPy's arrays as pickles describe them.
package enum NumPyPickle {
  /// What a pickled array may name; none of it is called.
  package static let allowed: Set<String> = Set(
    ["numpy.core", "numpy._core"].flatMap { core in
      ["multiarray._reconstruct", "multiarray.scalar", "numeric._frombuffer"].map {
        "\(core).\($0)"
      }
    } + ["numpy.ndarray", "numpy.dtype", "collections.OrderedDict"])

  /// Where the floats of a pickled array are; nil for values that are no array of floats.
  ///
  /// - Parameters:
  ///   - pickle: of `file`, from whose start it counts.
  ///   - name: of the array, for messages.
  /// - Throws: `FormatError.damaged` for an array of other bytes than its shape says.
  package static func floats(
    _ value: Pickle.Value?, of pickle: Pickle, in file: MappedFile, _ name: String
  ) throws(FormatError) -> StridedNumbers? {
    guard let parts = parts(of: value, pickle), let shape = pickle.integers(parts.shape),
      case .bytes(let range)? = parts.bytes, let element = element(parts.type, pickle)
    else { return nil }
    return try NumPyDictionary.numbers(
      element, shape, isColumnMajor: parts.isColumnMajor, in: range, "\(file.path), \(name)")
  }

  private typealias Parts = (
    shape: Pickle.Value?, type: Pickle.Value?, isColumnMajor: Bool, bytes: Pickle.Value?
  )

  private static func parts(of value: Pickle.Value?, _ pickle: Pickle) -> Parts? {
    guard let call = pickle.call(value) else { return nil }
    if call.function.hasSuffix("._frombuffer"), call.arguments.count == 4 {
      // Protocol 5: bytes, type, shape, order.
      let order = pickle.text(call.arguments[3])
      return (call.arguments[2], call.arguments[1], order == "F", call.arguments[0])
    }
    // `ndarray`'s state: version, shape, type, whether the first index runs fastest, bytes.
    guard call.function.hasSuffix("._reconstruct"),
      let state = pickle.elements(pickle.node(value)?.state), state.count == 5,
      case .bool(let isColumnMajor) = state[3]
    else { return nil }
    return (state[1], state[2], isColumnMajor, state[4])
  }

  /// `dtype('f4', …)`, whose state has the order of bytes.
  private static func element(_ value: Pickle.Value?, _ pickle: Pickle) -> ElementType? {
    guard let type = pickle.call(value), type.function == "numpy.dtype",
      let code = pickle.text(type.arguments.first),
      let order = pickle.elements(pickle.node(value)?.state), order.count > 1
    else { return nil }
    return NumPyDictionary.element((pickle.text(order[1]) ?? "") + code)
  }
}
