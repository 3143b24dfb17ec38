internal import ArgumentParser
internal import Communication
internal import ConvNet
internal import Files
internal import Formats
internal import Tensors

/// `decaf model verify`: what a network's activations of a drawn image are, and whether they are those that
/// another program computed.
struct ModelVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract:
      "Compute a network's activations of a drawn image; compare them with another program's.",
    discussion: """
      Prints a digest of all activations for every class of kernels that this processor runs, and the largest \
      difference from those of the first, over the layer's largest magnitude. Equal weights, transform and \
      kernels give equal digests, on every machine.

      --expect compares each activation with an array of its name, in a NumPy archive or a folder of .npy \
      files: N × C × H × W or N × C. An array “data” is the network's input, then; without, they are of the \
      drawn image, which --write gives with all activations. More than \(ActivationCheck.limitText) of the \
      layer's largest magnitude apart ends with status 65.

        decaf model verify caffenet.safetensors --write ours.npz
        decaf model verify caffenet.safetensors --expect theirs.npz
      """)

  @Argument(help: "A \(WeightFormats.readEndings()) file.", completion: .file())
  var file: String

  @OptionGroup var networkChoice: NetworkChoice

  @Option(
    help: "A NumPy archive, or a folder of .npy files, of activations to compare.",
    completion: .file())
  var expect: String?

  @Option(
    help: "The NumPy archive to write: the input “data” and every activation.", completion: .file())
  var write: String?

  @Flag(help: "Replace what --write names, if it is there; else that ends with status 73.")
  var overwrite = false

  @OptionGroup var threads: ThreadOptions<Computing>

  func run() throws {
    let model = try Model.open(file, architecture: try networkChoice.architecture())
    for warning in model.warnings { StandardError.write("decaf: warning: \(warning)\n") }
    try model.checkPanels()
    if let write { _ = try ExistingOutput.decide(write, overwrite: overwrite) }
    let check = ActivationCheck(model: model, team: threads.makeTeam())
    print(
      """
      file          \(file): \(model.architecture.rawValue)
      weights       SHA-256 \(model.weightsSHA256)
      """)
    if let expect {
      try compare(check, with: expect)
    } else {
      try printDigests(check)
    }
  }

  private func printDigests(_ check: ActivationCheck) throws {
    let (input, source) = try check.model.drawnInput()
    print("input         \(source), SHA-256 \(ActivationCheck.digest(of: [input]))\n")
    let current = try KernelClass.current
    let classes = [current] + KernelClass.supported.filter { $0 != current }
    var first: [[Float]]?
    for kernels in classes {
      let found = try check.activations(of: input, kernels)
      let apart = zip(first ?? found, found).map { ActivationCheck.difference($1, from: $0) }.max()
      print(
        """
        \(kernels.rawValue.padded(to: 12))  \(ActivationCheck.digest(of: found))  \
        \(ActivationCheck.text(apart ?? 0))
        """)
      if first == nil { first = found }
    }
    if let write { try save(input, first ?? [], check, to: write) }
    try check.model.inputs.requireUnchanged()
  }

  private func save(
    _ input: [Float], _ activations: [[Float]], _ check: ActivationCheck, to path: String
  ) throws {
    let definition = check.model.definition
    let arrays = zip([.data] + check.blobs, [input] + activations).map { blob, values in
      (
        name: blob.description, shape: [1] + definition.shape(of: blob).dimensions, values: values
      )
    }
    try NPZWriter.write(arrays, to: path)
    print("\nwritten       \(path): data and \(activations.count) activations")
  }

  private func compare(_ check: ActivationCheck, with path: String) throws {
    let expected = try ExpectedActivations(path, of: check.model)
    let inputs = try expected.inputs ?? [check.model.drawnInput().values]
    print(
      "input         "
        + (expected.inputs == nil ? "the drawn image" : "\(inputs.count) of \(path), “data”") + "\n"
    )
    let kernels = try KernelClass.current
    var worst = [Double](repeating: 0, count: expected.arrays.count)
    for (image, input) in inputs.enumerated() {
      let found = try check.activations(of: input, kernels)
      for (number, array) in expected.arrays.enumerated() {
        let place = check.blobs.firstIndex(of: array.blob)!
        let difference = ActivationCheck.difference(
          found[place], from: try array.values(ofImage: image, of: inputs.count, path: path))
        worst[number] = max(worst[number], difference)
      }
    }
    if let write {
      try save(inputs[0], try check.activations(of: inputs[0], kernels), check, to: write)
    }
    try check.model.inputs.requireUnchanged()
    var wrong = [String]()
    for (array, difference) in zip(expected.arrays, worst) {
      // NaN is no agreement.
      let isSame = difference <= ActivationCheck.limit
      if !isSame { wrong.append(array.blob.description) }
      print(
        "\(array.blob.description.padded(to: 14)) \(ActivationCheck.text(difference))"
          + (isSame ? "" : "  DIFFERS"))
    }
    guard wrong.isEmpty else { throw ActivationsDiffer(path: path, layers: wrong) }
    print("\nsame within \(ActivationCheck.limitText) of each layer's largest magnitude")
  }
}

/// Activations are not those that another program computed.
struct ActivationsDiffer: ErrorWithStatus, CustomStringConvertible {
  let path: String
  let layers: [String]

  var description: String {
    """
    activations differ from those of \(path) by more than \(ActivationCheck.limitText) of the layer's \
    largest magnitude: \(layers.joined(separator: ", ")); the first layer that differs tells most: is its \
    input the same, are its settings (padding, groups, rounding of sizes, the order of channels)?
    """
  }

  var exitStatus: ExitStatus { .badInput }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
