import ArgumentParser
import Communication
import ConvNet

/// `decaf model convert`: from any format that is read to one that is written.
struct ModelConvert: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert a weight file.",
    discussion: """
      Reads \(WeightFormats.readEndings("and")) and writes \(WeightFormats.writtenEndings()), by the \
      ending of the output's name. \
      A .safetensors file is mapped, so all ranks of a node share one copy, and it records the \
      architecture. Inner products' weights are written twice, in rows and in panels: an input \
      that is zero, as most are behind a ReLU, then costs nothing, which makes a single image twice \
      as fast. The numbers stay the same bit for bit, and so does their SHA-256.

        decaf model convert caffenet.caffemodel caffenet.safetensors
      """)

  @Argument(help: "The file to read.", completion: .file())
  var input: String

  @Argument(help: "The file to write.", completion: .file())
  var output: String

  @OptionGroup var networkChoice: NetworkChoice

  @Flag(help: "Replace the output, if it is there; else that ends with status 73.")
  var overwrite = false

  func run() throws {
    let model = try Model.open(input, architecture: try networkChoice.architecture())
    for warning in model.warnings {
      StandardError.write("decaf: warning: \(warning)\n")
    }
    if try ExistingOutput.decide(model, at: output, overwrite: overwrite) == .finished {
      print("\(output) is there already, with these numbers; --overwrite writes it again")
      return
    }
    try model.write(to: output)
    print(
      "\(output): \(model.architecture.rawValue), SHA-256 of the numbers \(model.weightsSHA256)")
  }
}
