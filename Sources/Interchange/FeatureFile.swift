package import Files
internal import Formats
internal import Images
internal import Tensors

/// A matrix of features in a file of another program: MATLAB, NumPy or svmlight.
package struct FeatureFile: Sendable {
  package let path: String
  package let format: Format
  /// The variable that holds the features; nil where the format names none.
  package let variable: String?
  /// Of the whole file.
  package let sha256: SHA256Digest
  package let rowCount: Int
  /// Values in a row.
  package let width: Int
  /// The labels that the format itself gives every row.
  package let ownLabels: [ByteString]?
  /// What the file holds, for messages.
  package let contents: [String]

  let variables: [Variable]
  private let rows: Rows

  package enum Format: String, Sendable, Codable {
    case mat, npy, npz, svmlight
  }

  private enum Rows: Sendable {
    case array(NumberArray)
    case sparse(SVMLightFile)
  }

  /// Opens the file; what it is, its first bytes say, and for svmlight its name.
  ///
  /// - Parameters:
  ///   - variable: the one that holds the features; nil for the only matrix there is.
  ///   - width: values in a row of an svmlight file, where they are more than the file shows.
  /// - Throws: `InterchangeError`.
  package init(_ path: String, variable: String? = nil, width: Int? = nil) throws(InterchangeError)
  {
    let file = try reading { () throws(SystemError) in try MappedFile(path) }
    self.path = path
    (format, variables) = try Self.open(file)
    contents = variables.map(\.description)
    if format == .svmlight || format == .npy, variable != nil {
      throw .optionWithoutUse(
        option: "--variable", reason: "\(path) is \(format.rawValue), which has no variables")
    }
    if format != .svmlight, width != nil {
      throw .optionWithoutUse(
        option: "--width", reason: "\(path) is \(format.rawValue), which gives the width itself")
    }
    if format == .svmlight {
      let sparse = try readingFormat { () throws(FormatError) in try SVMLightFile(file) }
      if let width, width < sparse.width {
        throw .optionWithoutUse(
          option: "--width \(width)", reason: "\(path) has an index \(sparse.width)")
      }
      self.variable = nil
      self.width = width ?? sparse.width
      rowCount = sparse.rowCount
      ownLabels = sparse.labels
      rows = .sparse(sparse)
    } else {
      let chosen = try Self.choose(variable, from: variables, format, path)
      self.variable = format == .npy ? nil : chosen.name
      self.width = chosen.array.width
      rowCount = chosen.array.rowCount
      ownLabels = nil
      rows = .array(chosen.array)
    }
    if rowCount == 0 || self.width == 0 { throw .empty(path: path) }
    var hasher = SHA256Digest.Hasher()
    file.withBytes { hasher.update($0) }
    sha256 = hasher.finalize()
  }

  /// Appends the values of consecutive rows, row by row, rounded to single precision.
  package func append(_ range: Range<Int>, to values: inout [Float]) {
    switch rows {
    case .array(let array): array.append(range, to: &values)
    case .sparse(let sparse): sparse.append(range, width: width, to: &values)
    }
  }

  /// What the file is, and its variables where the format has any.
  static func open(_ file: MappedFile) throws(InterchangeError) -> (Format, [Variable]) {
    if let found = try readingFormat({ () throws(FormatError) in try arrays(of: file) }) {
      return found
    }
    return try described(file)
  }

  private static func arrays(
    of file: MappedFile
  ) throws(FormatError) -> (Format, [Variable])? {
    switch FileSignature(of: file) {
    case .matlab: return (.mat, try MATFile.variables(file))
    case .numpy:
      let array = try NPYArray.variable(ByteSource(file), name: "array", path: file.path)
      return (.npy, [array])
    case .zip: return (.npz, try NPZFile.variables(file))
    case .hdf5:
      throw .unsupported(
        path: file.path, found: "an HDF5 file, as MATLAB 7.3 writes",
        advice: "save it again with save('NAME.mat', …, '-v7'), or as .npy")
    default: return nil
    }
  }

  /// Text that its name says to be svmlight, or the error of a file that nothing is known of.
  private static func described(_ file: MappedFile) throws(InterchangeError) -> (Format, [Variable])
  {
    if ["svm", "svmlight", "libsvm"].contains(where: { file.path.hasSuffix(".\($0)") }) {
      return (.svmlight, [])
    }
    let start = file.bytes(0..<min(8, file.byteCount))
    let hexadecimal = start.map { String($0, radix: 16) }.joined(separator: " ")
    throw .unknownFormat(
      path: file.path,
      found: start.isEmpty ? "an empty file" : "a file that begins with the bytes \(hexadecimal)")
  }

  private static func choose(
    _ name: String?, from variables: [Variable], _ format: Format, _ path: String
  ) throws(InterchangeError) -> (name: String, array: NumberArray) {
    let found = variables.map(\.description)
    let variable: Variable
    if let name {
      guard let named = variables.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
        throw .missingVariable(path: path, name: name, found: found)
      }
      variable = named
    } else if format == .npy {
      variable = variables[0]
    } else {
      let matrices = variables.filter { $0.numbers.map { !$0.isVector } ?? false }
      guard matrices.count == 1 else {
        throw .noChoice(path: path, what: "the features", option: "--variable", found: found)
      }
      variable = matrices[0]
    }
    guard let array = variable.numbers, array.shape.count >= 2,
      array.shape.count == 2 || !array.isColumnMajor
    else { throw .notAMatrix(path: path, variable: variable.name, shape: variable.description) }
    return (variable.name, array)
  }
}
