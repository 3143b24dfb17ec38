package import Files

/// Why a file of numbers cannot be read.
package enum FormatError: ErrorWithStatus, Equatable, CustomStringConvertible {
  case unreadable(SystemError)
  /// The file is of a kind that is known and not read.
  case unsupported(path: String, found: String, advice: String)
  case damaged(path: String, problem: String)
  /// A text file is wrong at a line, counted from 1.
  case malformed(path: String, line: Int, problem: String)

  package var description: String {
    switch self {
    case .unreadable(let error): "\(error)"
    case .unsupported(let path, let found, let advice): "\(path): found \(found); \(advice)"
    case .damaged(let path, let problem): "\(path) is damaged: \(problem)"
    case .malformed(let path, let line, let problem): "\(path), line \(line): \(problem)"
    }
  }

  package var exitStatus: ExitStatus { .badInput }
}
