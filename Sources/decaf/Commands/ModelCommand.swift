import ArgumentParser

/// `decaf model`: weight files in and out.
struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Inspect, convert and generate weight files.",
    subcommands: [ModelInspect.self, ModelConvert.self, ModelGenerate.self])
}
