package import Files
package import Tensors

/// Arrays of floats by name: an `.npz` archive, or an `.npy` file of one dictionary, which may hold
/// dictionaries or lists of arrays, as `numpy.save` pickles it.
package struct NumPyDictionary: Sendable {
  package struct Array: Sendable {
    /// The keys that lead to it; places in a list are numbers.
    package let keys: [String]
    /// Where the numbers are: the dictionary's own file, or, if they are compressed, one in memory.
    package let file: MappedFile
    package let numbers: StridedNumbers
  }

  package let arrays: [Array]

  /// An `.npz` archive, whose members are arrays.
  package static func isArchive(_ file: MappedFile) -> Bool {
    let start = file.bytes(0..<min(file.byteCount, 30 + 512))
    guard start.count > 30, start.starts(with: [0x50, 0x4b, 3, 4]) else { return false }
    let length = Int(start[26]) + Int(start[27]) << 8
    return String(decoding: start[30...].prefix(length), as: UTF8.self).hasSuffix(".npy")
  }

  package static func isArray(_ file: MappedFile) -> Bool {
    file.bytes(0..<min(file.byteCount, NPYDescription.magic.count)) == NPYDescription.magic
  }

  /// - Throws: `FormatError.unsupported`, `damaged`.
  package init(_ file: MappedFile) throws(FormatError) {
    arrays =
      Self.isArray(file)
      ? try Self.pickledArrays(file) : try Self.archivedArrays(try ZIPArchive(file))
  }

  private static func archivedArrays(_ archive: ZIPArchive) throws(FormatError) -> [Array] {
    var arrays: [Array] = []
    let members = archive.members.filter { $0.name.hasSuffix(".npy") }
    for (member, place) in zip(members, try archive.mapped(members)) {
      let (path, (file, range)) = (archive.file.path, place)
      let description = try describe(file, range, "\(path), \(member.name)")
      guard let element = element(description.descriptor) else {
        if description.descriptor.hasPrefix(">f") {
          throw .unsupported(
            path: "\(path), \(member.name)", found: "numbers in big-endian order",
            advice: "save them as array.astype('<f4')")
        }
        continue
      }
      let name = String(member.name.dropLast(4))
      arrays.append(
        Array(
          keys: [name], file: file,
          numbers: try numbers(
            element, description.shape, isColumnMajor: description.isColumnMajor,
            in: range.lowerBound + description.dataOffset..<range.upperBound, "\(path), \(name)")))
    }
    return arrays
  }

  private static func describe(
    _ file: MappedFile, _ range: Range<Int>, _ path: String
  ) throws(FormatError) -> NPYDescription {
    do throws(ProblemError) {
      return try NPYDescription(
        file.bytes(range.lowerBound..<min(range.upperBound, range.lowerBound + 1 << 16)))
    } catch { throw .damaged(path: path, problem: error.text) }
  }

  /// Floats in little-endian order; nil for others.
  static func element(_ descriptor: String) -> ElementType? {
    ElementType(numPy: descriptor).flatMap {
      $0.isFloat && $0.numPyDescriptor == descriptor ? $0 : nil
    }
  }

  static func numbers(
    _ element: ElementType, _ shape: [Int], isColumnMajor: Bool, in range: Range<Int>,
    _ path: String
  ) throws(FormatError) -> StridedNumbers {
    guard shape.allSatisfy({ $0 >= 0 }), shape.count <= 16,
      shape.product(times: element.byteCount) == range.count
    else {
      throw .damaged(
        path: path, problem: "it has \(range.count) bytes for an array of shape \(shape)")
    }
    let strides =
      isColumnMajor
      ? Swift.Array(StridedNumbers.rowMajor(shape.reversed()).reversed())
      : StridedNumbers.rowMajor(shape)
    return StridedNumbers(element, offset: range.lowerBound, shape: shape, strides: strides)
  }

  private static func pickledArrays(_ file: MappedFile) throws(FormatError) -> [Array] {
    let description = try describe(file, 0..<file.byteCount, file.path)
    guard description.descriptor == "|O", description.shape.isEmpty else {
      throw .unsupported(
        path: file.path, found: "one array of \(description.descriptor)",
        advice: "expected a dictionary of a network's arrays")
    }
    let pickle = try PickleReader.read(
      ByteSource(file), from: description.dataOffset, allowed: NumPyPickle.allowed, path: file.path)
    guard let state = pickle.node(pickle.root)?.state, let parts = pickle.elements(state),
      let object = pickle.elements(parts.last), object.count == 1,
      let layers = pickle.entries(object[0])
    else {
      throw .unsupported(
        path: file.path, found: "an object that is no dictionary",
        advice: "expected a dictionary of a network's arrays")
    }
    var arrays: [Array] = []
    for layer in layers.prefix(1 << 12) {
      let parts =
        pickle.entries(layer.value)
        ?? pickle.elements(layer.value)?.prefix(16).enumerated().map { ("\($0)", $1) }
        ?? [("", layer.value)]
      for (part, value) in parts.prefix(16) {
        let keys = part.isEmpty ? [layer.key] : [layer.key, part]
        let name = keys.joined(separator: ".")
        if let numbers = try NumPyPickle.floats(value, of: pickle, in: file, name) {
          arrays.append(Array(keys: keys, file: file, numbers: numbers))
        }
      }
    }
    return arrays
  }
}
