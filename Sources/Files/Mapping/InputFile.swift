/// A file that a result is made of, and which version of it that is.
///
/// Lists, weights, stores and classifiers are read while a job lasts, for hours maybe, and nothing keeps
/// others from writing them meanwhile. Whoever opens one takes this along; before a result counts,
/// `requireUnchanged()` compares.
package struct InputFile: Sendable {
  package let path: String
  private let version: FileVersion
  private let mapping: MappingWatch?

  /// The file as it is now; to be taken before its contents are read.
  ///
  /// - Throws: `SystemError` when there is no such file.
  package init(_ path: String) throws(SystemError) {
    guard let version = try FileSystem.version(of: path) else { throw .missing(path) }
    self.init(path, version, mapping: nil)
  }

  init(_ path: String, _ version: FileVersion, mapping: MappingWatch?) {
    self.path = path
    self.version = version
    self.mapping = mapping
  }

  /// Tells this version of the file from all others, for processes of one host.
  package var key: String { version.key }

  /// Compares the file at the path with the one that was opened: by device, number, size and time of
  /// the last change, not by contents.
  package func requireUnchanged() throws(InputChangedError) {
    let found: FileVersion?
    do throws(SystemError) { found = try FileSystem.version(of: path) } catch {
      throw InputChangedError(path: path, change: "\(error)")
    }
    if let change = version.change(to: found) {
      throw InputChangedError(path: path, change: change)
    }
    // Last: a file that was cut short is told by its size.
    if mapping?.hasLostBytes == true {
      throw InputChangedError(
        path: path, change: "parts of it could not be read; is the disk well?")
    }
  }
}

extension Sequence<InputFile> {
  /// Compares all files with what they were.
  package func requireUnchanged() throws(InputChangedError) {
    for file in self { try file.requireUnchanged() }
  }
}

/// An input is not what it was when it was opened: what was made of it does not count.
package struct InputChangedError: ErrorWithStatus, Equatable, CustomStringConvertible {
  package let path: String
  /// What became of it.
  package let change: String

  package init(path: String, change: String) {
    self.path = path
    self.change = change
  }

  package var description: String {
    """
    \(path) changed while it was in use: \(change); nothing is made of a mixture: run the same command \
    again with the file as it was, which continues what is recorded, or anew with the file as it is, \
    and let nobody write it meanwhile
    """
  }

  package var exitStatus: ExitStatus { .badInput }
}
