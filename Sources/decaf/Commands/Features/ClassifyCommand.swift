internal import ArgumentParser
internal import Communication
internal import ConvNet
internal import Extraction
internal import Files
internal import Foundation
internal import Images
internal import Tensors

/// `decaf classify`.
struct ClassifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classify",
    abstract: "Print the network's own classes for images: the k most probable.",
    discussion: """
      With several views the probabilities are averaged. Of a folder all images are taken, at any \
      depth. Standard output is tab-separated: path, rank, probability, class; tab, line feed, carriage \
      return and backslash in a name are \\t, \\n, \\r and \\\\. An image that cannot be decoded is \
      reported, and the exit status is 65.

        decaf classify cat.jpg --model caffenet.safetensors --names synset_words.txt
        decaf classify photos --model caffenet.safetensors --views ten --top 1
      """)

  @Argument(help: "Image files, or folders of them.")
  var images: [String]

  @OptionGroup var network: NetworkOptions

  @Option(help: "The classes' names, one a line; synset_words.txt fits. Default: class numbers.")
  var names: String?

  @Option(help: "Classes printed for an image.")
  var top = 5

  @Option(help: "Threads; default: all processors.")
  var threads: Int?

  func validate() throws {
    if network.input.views == .tenAll {
      throw ValidationError("--views ten-all: expected center or ten; ten averages the views.")
    }
    try OptionRange.check("--top", top, atLeast: 1)
    try OptionRange.check("--threads", threads, in: OptionRange.threads)
  }

  func run() throws {
    let model = try Model.open(network.model, architecture: try network.input.architecture())
    let output = try Self.probabilities(of: model)
    let classCount = model.definition.shape(of: output).count
    let classNames = try names.map { try Self.readNames($0, expected: classCount) }
    var recipe = try network.input.makeRecipe()
    for warning in model.warnings + (try recipe.settle(for: model)) {
      StandardError.write("decaf: warning: \(warning)\n")
    }
    let views = network.input.views
    let team = ThreadTeam(ofProcess: threads)
    let engine = try Engine(
      model: model, outputs: [output], capacity: views.count, precision: network.input.precision,
      team: team)
    let writer = InputWriter(
      recipe.transform, views: views, mode: network.input.decode,
      kernels: NetworkKernels(engine.kernelClass))

    PausePoint.inputsAreOpen()

    var hasFailed = false
    for path in try Self.files(images) {
      do throws(ImageError) {
        _ = try writer.write(try ImageFile.read(path), box: nil) { engine.input($0) }
      } catch {
        StandardError.write("decaf: error: \(path): \(error)\n")
        hasFailed = true
        continue
      }
      engine.run(count: views.count)
      var probabilities = [Float](repeating: 0, count: classCount)
      for view in 0..<views.count {
        for (i, value) in engine.row(0, image: view).enumerated() {
          probabilities[i] += value / Float(views.count)
        }
      }
      try model.inputs.requireUnchanged()
      try printBest(probabilities, of: path, names: classNames)
    }
    if hasFailed { throw ExitCode(ExitStatus.badInput.rawValue) }
  }

  /// The images named, and those in the folders named, sorted.
  static func files(_ images: [String]) throws -> [ByteString] {
    try images.flatMap { path -> [ByteString] in
      guard FileSystem.isFolder(path) else { return [ByteString(path)] }
      let list = try ImageList(contentsOf: path)
      return (0..<list.count).map { list.location(of: list[$0]) }
    }
  }

  /// What the network's last layer makes: probabilities.
  private static func probabilities(of model: Model) throws -> BlobName {
    let last = model.architecture.definition.layers.last
    guard let last, last.type == "Softmax" else { throw NoClassesError(model: model.path) }
    try model.requireReachable(last.output)
    return last.output
  }

  /// A line for each of the most probable classes; of equally probable ones the first comes first.
  private func printBest(_ probabilities: [Float], of path: ByteString, names: [String]?) throws {
    let best = probabilities.indices.sorted {
      (probabilities[$1], $0) < (probabilities[$0], $1)
    }
    for (place, index) in best.prefix(top).enumerated() {
      var line: [UInt8] = []
      FieldEscape.append(path.bytes, to: &line)
      line += "\t\(place + 1)\t\(String(format: "%.6f", probabilities[index]))\t".utf8
      FieldEscape.append((names?[index] ?? "\(index)").utf8, to: &line)
      try StandardOutput.write(line + [0x0a])
    }
  }

  /// One name a line; as many as the network has classes.
  private static func readNames(_ path: String, expected: Int) throws -> [String] {
    let file = try MappedFile(path)
    let names = file.bytes(0..<file.byteCount).split(separator: 10).map {
      String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
    guard names.count == expected else {
      throw ClassNamesError(path: path, expected: expected, found: names.count)
    }
    return names
  }
}

/// A network that tells no classes.
struct NoClassesError: ErrorWithStatus, CustomStringConvertible {
  let model: String

  var description: String {
    "\(model): expected a network that ends in Softmax, found another; decaf predict takes a classifier"
  }

  var exitStatus: ExitStatus { .badInput }
}

/// A file of class names that is not of the network.
struct ClassNamesError: ErrorWithStatus, CustomStringConvertible {
  let path: String
  let expected: Int
  let found: Int

  var description: String {
    "--names \(path): expected \(expected) lines, one a class of the network, found \(found)"
  }

  var exitStatus: ExitStatus { .badInput }
}
