package import Files
package import Tensors

/// NumPy's arrays as pickles describe them.
package enum NumPyPickle {
  /// What a pickled array may name; none of it is called.
  package static let allowed: Set<String> = [
    "numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "numpy.ndarray",
    "numpy.dtype", "numpy.core.multiarray.scalar", "collections.OrderedDict",
  ]

  /// Where the floats of a pickled array are; nil for values that are no array of floats.
  ///
  /// - Parameters:
  ///   - pickle: of `file`, from whose start it counts.
  ///   - name: of the array, for messages.
  /// - Throws: `FormatError.damaged` for an array of other bytes than its shape says.
  package static func floats(
    _ value: Pickle.Value?, of pickle: Pickle, in file: MappedFile, _ name: String
  ) throws(FormatError) -> StridedNumbers? {
    // `ndarray`'s state: version, shape, type, whether the first index runs fastest, bytes.
    guard let call = pickle.call(value), call.function.hasSuffix("_reconstruct"),
      let state = pickle.elements(pickle.node(value)?.state), state.count == 5,
      let shape = pickle.integers(state[1]), case .bool(let isColumnMajor) = state[3],
      case .bytes(let range) = state[4], let type = pickle.call(state[2]),
      type.function == "numpy.dtype", let code = pickle.text(type.arguments.first),
      let order = pickle.elements(pickle.node(state[2])?.state), order.count > 1,
      let element = NumPyDictionary.element((pickle.text(order[1]) ?? "") + code)
    else { return nil }
    return try NumPyDictionary.numbers(
      element, shape, isColumnMajor: isColumnMajor, in: range, "\(file.path), \(name)")
  }
}
