package import Files

/// Why an image list cannot be used.
package enum ImageListError: ErrorWithStatus, Hashable, Sendable, CustomStringConvertible {
  /// The list or a folder cannot be opened or read.
  case unreadable(SystemError)
  /// The file is not a list; `found` names what it looks like.
  case notAList(path: String, found: String)
  /// The list, or the folder, holds no image.
  case empty(path: String, isFolder: Bool)
  /// Something is wrong at `line`, counted from 1.
  case malformed(path: String, line: Int, Problem)
  /// A tar shard, or a pattern of shards, that cannot be used; the words say what is wrong.
  case malformedShard(path: String, String)
  /// A file name that a line of text cannot hold.
  case unlistableName(ByteString, folder: String)
  /// Two class folders whose names differ in the white space around them alone.
  case equalClasses(ByteString, ByteString, folder: String)

  /// What is wrong with one line.
  package enum Problem: Error, Hashable, Sendable {
    case missingColumn(found: [ByteString])
    case misspelledColumn(ByteString, expected: String)
    case repeatedColumn(String)
    case incompleteBox(found: [String])
    case tooManyFields(found: Int, expected: Int)
    case missingPath
    case invalidLabel(ByteString)
    case unterminatedQuote
    case notJSON(expected: String, byte: Int)
  }

  package var description: String {
    switch self {
    case .unreadable(let error): "image list: \(error)"
    case .notAList(let path, let found):
      """
      image list \(path): found \(found); expected \(ListFormats.summary), or a folder of class \
      folders
      """
    case .empty(let path, isFolder: false):
      "image list \(path): no image; expected one path a line"
    case .empty(let path, isFolder: true):
      "image folder \(path): no image; expected image files in one folder a class"
    case .malformed(let path, let line, let problem):
      "image list \(path), line \(line): \(problem)"
    case .malformedShard(let path, let problem): "image shards \(path): \(problem)"
    case .unlistableName(let name, let folder):
      """
      image folder \(folder): the name “\(name)” holds a tab or a line break, which a list cannot; \
      rename it
      """
    case .equalClasses(let name, let other, let folder):
      """
      image folder \(folder): the folders “\(name)” and “\(other)” would be one class; rename one
      """
    }
  }

  package var exitStatus: ExitStatus { .badInput }
}

extension ImageListError.Problem: CustomStringConvertible {
  package var description: String {
    switch self {
    case .missingColumn(let found):
      """
      no column “path” in the header; found \(found.map { "“\($0)”" }.joined(separator: ", ")); \
      a .tsv or .csv list starts with the names of its columns: path, label, x, y, width, height
      """
    case .misspelledColumn(let found, let expected):
      "column “\(found)” in the header; did you mean “\(expected)”?"
    case .repeatedColumn(let name): "column “\(name)” appears twice in the header"
    case .incompleteBox(let found):
      "box columns \(found.joined(separator: ", ")); expected all of x, y, width, height, or none"
    case .tooManyFields(let found, let expected):
      "\(found) fields; expected \(expected) as in the header"
    case .missingPath: "no path; expected one in every line"
    case .invalidLabel(let label): "label “\(label)” is not UTF-8; convert the list to UTF-8"
    case .notJSON(let expected, let byte):
      "not the object that a .jsonl list has in a line: expected \(expected) at byte \(byte)"
    case .unterminatedQuote: "a quoted field that never ends; close it, or write \"\" for a quote"
    }
  }
}
