internal import Files

/// The file that `--metrics` names.
enum MetricsOutput {
  /// - Throws: `MetricsOutputError`.
  static func open(_ path: String) throws(MetricsOutputError) -> MetricsFile {
    do throws(SystemError) { return try MetricsFile(path) } catch {
      throw MetricsOutputError(cause: error)
    }
  }
}

/// The file of metrics cannot be made.
struct MetricsOutputError: ErrorWithStatus, CustomStringConvertible {
  let cause: SystemError

  var description: String { "--metrics: \(cause); choose another file, or make that folder" }

  var exitStatus: ExitStatus { .cannotCreate }
}
