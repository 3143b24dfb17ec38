package import Files
package import Formats

/// Why a file of another program cannot be imported, or a store not be exported.
package enum InterchangeError: ErrorWithStatus, Equatable, Sendable, CustomStringConvertible {
  /// The file's own format is broken, or not read.
  case format(FormatError)
  /// Neither the content nor the name says what the file is.
  case unknownFormat(path: String, found: String)
  /// No variable of this name; `found` describes those there are.
  case missingVariable(path: String, name: String, found: [String])
  /// Several variables may be meant, or none.
  case noChoice(path: String, what: String, option: String, found: [String])
  case notAMatrix(path: String, variable: String, shape: String)
  case labelCount(path: String, labels: Int, rows: Int)
  /// There are as many labels as columns.
  case transposed(path: String, labels: Int, rows: Int, features: String)
  case notALabel(path: String, position: Int, found: String)
  /// A value that single precision cannot hold, or a row that is partly NaN.
  case notFinite(path: String, row: Int, column: Int, value: String)
  case empty(path: String)
  case optionWithoutUse(option: String, reason: String)
  case cannotWrite(SystemError)
  case noRows(path: String, failed: Int, unlabelled: Int)

  package var description: String {
    switch self {
    case .format(let error): "\(error)"
    case .unknownFormat(let path, let found):
      """
      \(path): found \(found); expected a MATLAB file of version 5, a NumPy .npy or .npz file, \
      svmlight text named .svm, .svmlight or .libsvm, or a table named .csv or .tsv
      """
    case .missingVariable(let path, let name, let found):
      "\(path) has no variable “\(name)”; found \(Self.list(found))"
    case .noChoice(let path, let what, let option, let found):
      "\(path): cannot tell which variable holds \(what); found \(Self.list(found)); "
        + "choose one with \(option)"
    case .notAMatrix(let path, let variable, let shape):
      "\(path): \(variable) is \(shape), expected a matrix with one row a sample; if it has one "
        + "column a sample, transpose it first"
    case .labelCount(let path, let labels, let rows):
      "\(path): found \(labels) labels, expected \(rows), one for each row of features"
    case .transposed(let path, let labels, let rows, let features):
      """
      \(path): found \(labels) labels, expected \(rows), one for each row of features; \(features) \
      has \(labels) columns, so a sample seems to be a column there: transpose it, by x = x' in MATLAB \
      or x.T in NumPy, and save it again
      """
    case .notALabel(let path, let position, let found):
      "\(path): label \(position) is \(found), expected a whole number or text"
    case .notFinite(let path, let row, let column, let value):
      """
      \(path): row \(row), column \(column) (both from 0) is \(value); expected finite numbers, or \
      NaN in the whole row for a sample without features
      """
    case .empty(let path): "\(path) holds no row of features"
    case .optionWithoutUse(let option, let reason): "\(option): \(reason)"
    case .cannotWrite(let error): "\(error); choose another --output or make room"
    case .noRows(let path, let failed, let unlabelled):
      "cannot export \(path): no row to write (\(failed) failed, \(unlabelled) without label)"
    }
  }

  private static func list(_ found: [String]) -> String {
    found.isEmpty ? "no variable" : found.joined(separator: ", ")
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .missingVariable, .noChoice, .optionWithoutUse: .usage
    case .cannotWrite: .cannotCreate
    default: .badInput
    }
  }
}

/// Runs `body`, whose failure means that the file could not be read.
func reading<R>(_ body: () throws(SystemError) -> R) throws(InterchangeError) -> R {
  do { return try body() } catch { throw .format(.unreadable(error)) }
}

/// Runs `body`, whose failure is one of the file's format.
func readingFormat<R>(_ body: () throws(FormatError) -> R) throws(InterchangeError) -> R {
  do { return try body() } catch { throw .format(error) }
}
