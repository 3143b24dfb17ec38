import ArgumentParser
import ConvNet
import Foundation

/// `decaf model inspect`: what a weight file holds and how far it reaches.
struct ModelInspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Print what a weight file holds, or what layers a network has.",
    discussion: """
      Checks names, shapes and numbers as extraction does, compares weights in panels with those in \
      rows, and prints the layers, the activations that can be computed, and the SHA-256 of the \
      numbers, which is the same in every format. Of a network without weights, a .prototxt file or \
      one that comes with decaf, it prints the chain of layers.

        decaf model inspect caffenet.caffemodel
      """)

  @Argument(
    help: "A \(WeightFormats.readEndings()) file; or a .prototxt file or a network's name.",
    completion: .file())
  var file: String

  @OptionGroup var networkChoice: NetworkChoice

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    if file.hasSuffix(".prototxt") || Architecture(rawValue: file) != nil {
      let report = NetworkReport(try Architecture.named(file))
      try show(report, report.text)
      return
    }
    let model = try Model.open(file, architecture: try networkChoice.architecture())
    try model.checkPanels()
    let report = ModelReport(model)
    try show(report, report.text)
  }

  private func show(_ report: some Encodable, _ text: String) throws {
    guard json else { return print(text) }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(report), as: UTF8.self))
  }
}
