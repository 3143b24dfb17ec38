internal import Communication
internal import Logging

/// Writes log lines to standard error, tagged with the rank where there are several.
struct RankLogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info
  private let prefix: String

  /// Makes this the handler of every logger of the process.
  static func bootstrap(_ communicator: some Communicator) {
    let prefix = communicator.size > 1 ? "decaf[\(communicator.rank)]: " : "decaf: "
    LoggingSystem.bootstrap { _ in RankLogHandler(prefix: prefix) }
  }

  init(prefix: String) { self.prefix = prefix }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let level = event.level >= .warning ? "\(event.level): " : ""
    StandardError.write("\(prefix)\(level)\(event.message)\n")
  }
}
