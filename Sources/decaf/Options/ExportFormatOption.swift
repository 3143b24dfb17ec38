internal import ArgumentParser
internal import Foundation
internal import Interchange

/// What `decaf export` writes, by its name on the command line.
enum ExportFormatOption: ExpressibleByArgument {
  /// A layer of a store.
  case store(any ExportFormat.Type)
  /// A classifier, alone or behind its network.
  case onnx

  private static let onnxName = "onnx"
  private static let onnxSummary = """
    of a classifier in place of a store: inputs features (float32, N × width), outputs scores and, of softmax, \
    probabilities; with --model the whole network, from its input tensor on
    """

  init?(argument: String) {
    if argument == Self.onnxName {
      self = .onnx
      return
    }
    guard let format = ExportFormats.all.first(where: { $0.name == argument }) else { return nil }
    self = .store(format)
  }

  static var allValueStrings: [String] { ExportFormats.all.map { $0.name } + [onnxName] }

  /// A line a format.
  static var summaries: String {
    let width = allValueStrings.map(\.count).max() ?? 0
    let all = ExportFormats.all.map { ($0.name, $0.summary) } + [(onnxName, onnxSummary)]
    return all.map { name, summary in
      "  \(name.padding(toLength: width, withPad: " ", startingAt: 0))  \(summary)"
    }.joined(separator: "\n")
  }
}
