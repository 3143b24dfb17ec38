internal import ArgumentParser
internal import Foundation
internal import Tensors

/// `--threads` of commands that run as one process; those of many ranks have `RunOptions`.
struct ThreadOptions<Purpose: ThreadPurpose>: ParsableArguments {
  @Option(help: "Threads\(Purpose.phrase); by default as many as there are processors.")
  var threads: Int?

  func validate() throws {
    try OptionRange.check("--threads", threads, in: OptionRange.threads)
  }

  func makeTeam() -> ThreadTeam { ThreadTeam(ofProcess: threads) }
}

/// What a command has threads for, as its help says it.
protocol ThreadPurpose {
  /// Follows the word “Threads”.
  static var phrase: String { get }
}

enum Computing: ThreadPurpose { static let phrase = "" }
enum Reading: ThreadPurpose { static let phrase = " to read with" }
enum Writing: ThreadPurpose { static let phrase = " to write with" }

extension ThreadTeam {
  /// A team of a process that has the machine to itself.
  ///
  /// - Parameter threads: as the user asked; nil for as many as there are processors.
  convenience init(ofProcess threads: Int?) {
    self.init(threadCount: threads ?? ProcessInfo.processInfo.activeProcessorCount)
  }
}
