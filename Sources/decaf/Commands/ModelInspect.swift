import ArgumentParser
import ConvNet
import Foundation

/// `decaf model inspect`: what a weight file holds and how far it reaches.
struct ModelInspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Print what a weight file holds.",
    discussion: """
      Checks names, shapes and numbers as extraction does, compares weights in panels with those in \
      rows, and prints the layers, the activations that can be computed, and the SHA-256 of the \
      numbers, which is the same in every format.
      """)

  @Argument(help: "A \(WeightFormats.readEndings()) file.", completion: .file())
  var file: String

  @OptionGroup var networkChoice: NetworkChoice

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let model = try Model.open(file, architecture: try networkChoice.architecture())
    try model.checkPanels()
    let report = ModelReport(model)
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      print(String(decoding: try encoder.encode(report), as: UTF8.self))
    } else {
      print(report.text)
    }
  }
}
