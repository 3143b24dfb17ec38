internal import ArgumentParser
internal import Foundation
internal import Interchange

/// A format by its name on the command line.
struct ExportFormatOption: ExpressibleByArgument {
  let format: any ExportFormat.Type

  init?(argument: String) {
    guard let format = ExportFormats.all.first(where: { $0.name == argument }) else { return nil }
    self.format = format
  }

  static var allValueStrings: [String] { ExportFormats.all.map { $0.name } }

  /// A line a format.
  static var summaries: String {
    let width = allValueStrings.map(\.count).max() ?? 0
    return ExportFormats.all.map {
      "  \($0.name.padding(toLength: width, withPad: " ", startingAt: 0))  \($0.summary)"
    }.joined(separator: "\n")
  }
}
