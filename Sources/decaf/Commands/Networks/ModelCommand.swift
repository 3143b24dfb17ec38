import ArgumentParser

/// `decaf model`: weight files in and out.
struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Inspect, convert, generate, verify and show weight files.",
    discussion: """
        decaf model inspect caffenet.caffemodel
        decaf model convert caffenet.caffemodel caffenet.safetensors
        decaf model generate --output untrained.safetensors
        decaf model verify caffenet.safetensors
        decaf model show caffenet.safetensors --output filters.svg
      """,
    subcommands: [
      ModelInspect.self, ModelConvert.self, ModelGenerate.self,
      ModelVerify.self, ModelShow.self,
    ])
}
