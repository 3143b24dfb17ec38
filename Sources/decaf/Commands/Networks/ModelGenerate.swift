import ArgumentParser
import ConvNet

/// `decaf model generate`: a complete network without a download.
struct ModelGenerate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Write a complete network of seeded weights, untrained.",
    discussion: """
      conv1 gets oriented and colour-opponent filters, the rest He-scaled random numbers: enough \
      to try every command and to tell textures and colours apart, no substitute for trained \
      weights. One seed gives one file, on every machine.

        decaf model generate --seed 1 --output untrained.safetensors
      """)

  @OptionGroup var networkChoice: NetworkChoice

  @Option(help: "Decides all weights.")
  var seed: UInt64 = 1

  @Option(
    help: "The \(WeightFormats.writtenEndings()) file to write.",
    completion: .file())
  var output: String

  @Flag(help: "Replace the output, if it is there; else that ends with status 73.")
  var overwrite = false

  func run() throws {
    let model = try Model.generate(
      architecture: try networkChoice.architecture() ?? .caffenet, seed: seed)
    if try ExistingOutput.decide(model, at: output, overwrite: overwrite) == .finished {
      print("\(output) is there already, with these numbers; --overwrite writes it again")
      return
    }
    try model.write(to: output)
    print(
      """
      \(output): \(model.name), SHA-256 of the numbers \(model.weightsSHA256)
      The weights are untrained: seeded random numbers, behind hand-made filters in AlexNet's conv1.
      """)
  }
}
