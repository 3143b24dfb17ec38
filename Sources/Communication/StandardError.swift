internal import Foundation

/// Where this rank speaks to people.
package enum StandardError {
  /// Writes the text to standard error.
  ///
  /// What cannot be written is dropped: a full disk under a log file, or a reader that has left,
  /// must not end hours of work.
  package static func write(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }
}
