internal import ArgumentParser
internal import Communication
internal import ConvNet
internal import Extraction
internal import Files
internal import Images
internal import Plotting
internal import Tensors

/// `decaf model show`: filters, and activations of an image, as pictures.
struct ModelShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Draw the first filters of a network, or what a layer makes of an image.",
    discussion: """
      Without --image: the filters of the first convolution, in color; each filter's zero is gray, and its \
      largest weight black or white. With --image: the maps of a layer for its center crop, black the \
      smallest and white the largest number of the layer; rows such as fc6 as one square of numbers.

        decaf model show caffenet.safetensors --output filters.svg
        decaf model show caffenet.safetensors --image cat.jpg --layer conv3 \\
          --output conv3.svg
      """)

  @Argument(help: "A \(WeightFormats.readEndings()) file.", completion: .file())
  var file: String

  @Option(help: "The picture to write: an .svg file.")
  var output: String

  @Option(help: "The image to run through the network.", completion: .file())
  var image: String?

  @Option(
    help:
      "With --image: the activation to draw, as in decaf extract --layers; default: the first layer's.",
    transform: { try BlobName(parsing: LayerName.resolved($0)) })
  var layer: BlobName?

  @OptionGroup var input: InputOptions

  @OptionGroup var threads: ThreadOptions<Computing>

  func validate() throws {
    if !output.hasSuffix(".svg") {
      throw ValidationError("--output \(output): expected a name that ends in .svg.")
    }
    if layer != nil && image == nil {
      throw ValidationError("--layer goes with --image; without, the first filters are drawn.")
    }
    if input.views != .center {
      throw ValidationError("--views \(input.views.rawValue): one view is drawn, the center.")
    }
  }

  func run() throws {
    try ExistingPicture.check(output, isOwn: PictureMark.isIn)
    let model = try Model.open(file, architecture: try input.architecture())
    var recipe = try input.makeRecipe()
    for warning in model.warnings + (try recipe.settle(for: model)) {
      StandardError.write("decaf: warning: \(warning)\n")
    }
    let sheet = try image.map { try activations(of: $0, model, recipe) } ?? filters(model, recipe)
    try model.inputs.requireUnchanged()
    try ExistingPicture.write(sheet.svg, to: output)
    print("\(output): \(sheet.title)")
  }

  private func filters(_ model: Model, _ recipe: RecipeOptions) throws -> PictureSheet {
    let first = model.definition.layers.first { !$0.parameterShapes.isEmpty }
    guard let first, let shape = first.parameterShapes.first?.shape, shape.count == 4, shape[1] == 3
    else {
      throw ValidationError(
        "\(file): its first layer with weights has no filters on three channels; --image draws what "
          + "layers make of an image.")
    }
    let tiles = TileSheet.filters(
      model.storedParameters(first.name).weights.floats(), height: shape[2], width: shape[3],
      isBGR: recipe.transform.channels == .bgr)
    return try page(
      "\(shape[0]) filters of \(first.name), \(shape[2]) × \(shape[3])", tiles, model,
      "each filter by itself: zero is gray, its largest weight black or white")
  }

  private func activations(
    of path: String, _ model: Model, _ recipe: RecipeOptions
  ) throws -> PictureSheet {
    let blob = layer ?? model.definition.layers[0].output
    try model.requireReachable(blob)
    let engine = try Engine(
      model: model, outputs: [blob], capacity: 1, precision: recipe.precision,
      team: threads.makeTeam())
    let writer = InputWriter(
      recipe.transform, views: .center, mode: recipe.decode,
      kernels: NetworkKernels(engine.kernelClass))
    if let warning = try writer.write(
      try ImageFile.read(ByteString(path)), box: nil, into: { engine.input($0) })
    {
      StandardError.write("decaf: warning: \(path): \(warning)\n")
    }
    engine.run(count: 1)
    let values = engine.row(0, image: 0)
    let shape = model.definition.shape(of: blob)
    let size = shape.dimensions.map(String.init).joined(separator: " × ")
    let tiles = TileSheet.maps(
      values, channels: shape.channels, height: shape.height, width: shape.width)
    return try page(
      "\(blob) of \(FileSystem.name(of: path)): \(size)", tiles, model,
      "black is \(values.min() ?? 0), white \(values.max() ?? 0)")
  }

  private func page(
    _ title: String, _ tiles: [TileSheet.Tile], _ model: Model, _ note: String
  ) throws -> PictureSheet {
    let sheet = TileSheet(tiles)
    let origin =
      model.isUntrained ? "untrained" : "weights \(model.weightsSHA256.hexadecimal.prefix(12))…"
    return PictureSheet(
      title: title, picture: try sheet.dataAddress(), width: sheet.image.width,
      height: sheet.image.height,
      notes: ["\(model.architecture.rawValue), \(origin) of \(FileSystem.name(of: file)); \(note)"])
  }
}
