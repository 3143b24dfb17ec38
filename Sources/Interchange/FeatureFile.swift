package import Files
internal import Formats
internal import Images
internal import Tensors

/// A matrix of features in a file of another program: MATLAB, NumPy, svmlight or CSV.
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
  /// The labels and paths that the file itself gives its rows; nil where it gives none.
  package let ownLabels: [ByteString?]?
  package let ownPaths: [ByteString]?
  /// What the file holds, for messages.
  package let contents: [String]

  let variables: [Variable]
  private let rows: Rows

  package enum Format: String, Sendable, Codable {
    case mat, npy, npz, svmlight, csv

    /// Whether the file is a group of arrays with names.
    var hasVariables: Bool { self == .mat || self == .npz }
  }

  private enum Rows: Sendable {
    case array(NumberArray)
    case sparse(SVMLightFile)
    case table(CSVFile)
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
    if !format.hasVariables, variable != nil {
      throw .optionWithoutUse(
        option: "--variable", reason: "\(path) is \(format.rawValue), which has no variables")
    }
    if format != .svmlight, width != nil {
      throw .optionWithoutUse(
        option: "--width", reason: "\(path) is \(format.rawValue), which gives the width itself")
    }
    switch format {
    case .svmlight:
      let sparse = try readingFormat { () throws(FormatError) in try SVMLightFile(file) }
      try Self.check(width: width, of: sparse, path: path)
      self.variable = nil
      self.width = width ?? sparse.width
      (rowCount, ownLabels, ownPaths) = (sparse.rowCount, sparse.labels, nil)
      rows = .sparse(sparse)
    case .csv:
      let table = try readingFormat { () throws(FormatError) in try CSVFile(file) }
      self.variable = nil
      self.width = table.width
      (rowCount, ownLabels, ownPaths) = (table.rowCount, table.labels, table.paths)
      rows = .table(table)
    case .mat, .npy, .npz:
      let chosen = try Self.choose(variable, from: variables, format, path)
      self.variable = format == .npy ? nil : chosen.name
      self.width = chosen.array.width
      (rowCount, ownLabels, ownPaths) = (chosen.array.rowCount, nil, nil)
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
    case .table(let table): table.append(range, to: &values)
    }
  }

  /// Refuses a width that the rows do not fit, or that no row can have.
  private static func check(
    width: Int?, of sparse: SVMLightFile, path: String
  ) throws(InterchangeError) {
    guard let width else { return }
    if width < sparse.width {
      throw .optionWithoutUse(
        option: "--width \(width)", reason: "\(path) has an index \(sparse.width)")
    }
    if width > SVMLightFile.widest {
      throw .optionWithoutUse(
        option: "--width \(width)", reason: "expected at most \(SVMLightFile.widest)")
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
    if ["csv", "tsv"].contains(where: { file.path.hasSuffix(".\($0)") }) { return (.csv, []) }
    if MATFile.isVersion4(file) {
      throw .format(
        .unsupported(
          path: file.path, found: "a MATLAB file of version 4",
          advice: "save it again with save('NAME.mat', …, '-v7')"))
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
        let sparse = variables.filter { $0.isSparse }
        if matrices.isEmpty, sparse.count == 1 { throw Self.sparse(sparse[0], path) }
        throw .noChoice(path: path, what: "the features", option: "--variable", found: found)
      }
      variable = matrices[0]
    }
    if variable.isSparse { throw sparse(variable, path) }
    // MATLAB's arrays of more axes have their samples last, if anywhere.
    guard let array = variable.numbers, array.shape.count >= 2,
      array.shape.count == 2 || format != .mat
    else { throw .notAMatrix(path: path, variable: variable.name, shape: variable.description) }
    return (variable.name, array)
  }

  private static func sparse(_ variable: Variable, _ path: String) -> InterchangeError {
    .format(
      .unsupported(
        path: path, found: "\(variable.name), a sparse matrix",
        advice: "make it a full one before saving: \(variable.name) = full(\(variable.name))"))
  }
}
