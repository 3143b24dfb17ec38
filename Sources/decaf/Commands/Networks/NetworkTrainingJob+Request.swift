internal import ConvNet
internal import Files
internal import Foundation
internal import Images
internal import NetworkTraining

/// What a training starts from.
extension NetworkTrainingJob {
  /// Opens the lists, the network and its weights, and brings them together.
  ///
  /// - Throws: `ImageListError`, `ModelError`, `TrainingError`, `InputTransformError`.
  func makeRequest() throws -> TrainingRequest {
    let solver = try options.solver.file()
    let transform = try InputTransform.named(options.preprocess)
    let images = try ImageList(contentsOf: list, root: options.root)
    guard images.hasLabels else {
      throw TrainingError.noImages(
        list: list, reason: "expected a label for each image, found none")
    }
    let source = try networkText(solver)
    let original = try TrainingText(
      source.bytes, source: source.name, inputSide: transform.inputSize)
    let opened =
      try source.model
      ?? model.map {
        try Model.open($0, architecture: original.architecture)
      }
    let replaced = try options.replacements()
    let text = try TrainingText(
      source.bytes, source: source.name, outputs: outputs(replaced, original, images),
      inputSide: transform.inputSize)
    let seed = options.seed ?? solver?.seed ?? 0
    let plan = try NetworkPlan(
      text, frozenBelow: freezeBelow, factors: options.factors(), seed: seed)
    let names = Set(replaced.map(\.layer))
    try check(names, plan, opened)
    let classes = try TrainingImages.classes(
      of: images, outputs: plan.classCount, layer: plan.lastParameterLayer)
    var training = try TrainingImages(images, classes: classes)
    var validation: TrainingImages?
    if let share = options.validationShare {
      let split = training.split(share, seed: seed)
      (training, validation) = (split.rest, split.part)
    } else if let path = options.validation {
      validation = try TrainingImages(
        try ImageList(contentsOf: path, root: options.root), classes: classes)
    }
    if let validation, validation.count == 0 {
      throw TrainingError.noImages(
        list: list, reason: "no class has enough images for --validation \(options.validation!)")
    }
    let batch = options.solver.batch
    let settings = try options.solver.settings(
      solver, baseRate: baseRate, stepsPerEpoch: (training.count + batch - 1) / batch)
    let request = TrainingRequest(
      plan: plan, settings: settings, batchSize: batch, images: training, validation: validation,
      classes: classes, transform: transform,
      augmentation: try options.augmentation() ?? (plan.mapsLearn ? Augmentation() : .none),
      seed: seed, model: opened, replaced: names)
    try request.validate()
    return request
  }

  /// The network's text: the one that is named, the solver's, or the weights' own.
  private func networkText(
    _ solver: SolverText?
  ) throws -> (bytes: [UInt8], name: String, model: Model?) {
    if let network {
      if let shipped = Architecture(rawValue: network) {
        return (Array(shipped.text.utf8), network, nil)
      }
      _ = network.hasSuffix(".prototxt") ? nil : try Architecture.named(network)
      return (try PositionedFile(network, .read).read(1 << 20, at: 0), network, nil)
    }
    if let path = solver?.network, let file = options.solver.solver {
      // Caffe starts from the folder it is run in; more often the files lie side by side.
      let beside = FileSystem.folder(of: file) + "/" + path
      let isHere = try FileSystem.byteCount(of: path) != nil
      let found = path.hasPrefix("/") || isHere ? path : beside
      return (try PositionedFile(found, .read).read(1 << 20, at: 0), found, nil)
    }
    guard let model else {
      throw TrainingError.invalidOptions([
        "--network: expected a network's name or file; the solver names none"
      ])
    }
    let opened = try Model.open(model)
    return (Array(opened.architecture.text.utf8), opened.architecture.rawValue, opened)
  }

  /// Outputs of the layers that get another number of them.
  private func outputs(
    _ replaced: [(layer: String, outputs: Int?)], _ text: TrainingText, _ images: ImageList
  ) -> [String: Int] {
    let last = text.architecture.definition.parameterLayerNames.last
    return replaced.reduce(into: [:]) { outputs, layer in
      outputs[layer.layer] = layer.outputs ?? (layer.layer == last ? images.classes.count : nil)
    }
  }

  /// Every layer has weights, or starts anew.
  private func check(
    _ replaced: Set<String>, _ plan: NetworkPlan, _ model: Model?
  ) throws(TrainingError) {
    let names = plan.definition.parameterLayerNames
    if let unknown = replaced.sorted().first(where: { !names.contains($0) }) {
      throw .unknownLayer(unknown, option: "--replace", expected: names)
    }
    guard let model else { return }
    for name in names where !replaced.contains(name) {
      let shapes = { (definition: NetworkDefinition) in
        definition.layers.first { $0.name == name }?.parameterShapes.map(\.shape)
      }
      guard let found = shapes(model.definition) else {
        throw .missingWeights(layer: name, model: model.path)
      }
      // The layer behind one that got other outputs reads other inputs.
      if found != shapes(plan.definition) {
        throw .missingWeights(layer: name, model: model.path)
      }
    }
  }
}
