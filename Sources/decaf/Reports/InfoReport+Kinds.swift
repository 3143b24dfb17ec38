internal import Descriptors
internal import Extraction
internal import FeatureStore
internal import Files
internal import Formats
internal import Images
internal import Tensors

extension InfoReport {
  /// Looks at a file or folder: beginnings, headers and metadata; of a list of images, its lines.
  ///
  /// - Throws: errors of the modules for what is damaged, is missing or cannot be read.
  static func of(_ path: String) throws -> InfoReport {
    guard let byteCount = try FileSystem.byteCount(of: path) else {
      throw SystemError.missing(path)
    }
    if FileSystem.isFolder(path) { return try folder(path) }
    let file = try MappedFile(path)
    if SafetensorsFile.isSafetensors(file) { return try safetensors(path, byteCount) }
    if let signature = FileSignature(of: file) {
      var report = InfoReport("a file: \(signature)")
      report.add("bytes", byteCount)
      return report
    }
    for (ending, kind) in [
      (".caffemodel", "weights; decaf model inspect reads them"), (".yaml", "a configuration"),
      (".prototxt", "a network; decaf model inspect prints it"),
      (".svm", "features as svmlight text"), (".json", "JSON"),
    ] where path.hasSuffix(ending) {
      var report = InfoReport(kind)
      report.add("bytes", byteCount)
      return report
    }
    return try list(path)
  }

  private static func folder(_ path: String) throws -> InfoReport {
    if let store = try StoreInspection.of(path) { return self.store(store) }
    if let json = try json("\(path)/results.json"), json["protocol"] != nil {
      var report = InfoReport("results of decaf evaluate")
      report.addProtocol(json)
      return report
    }
    if let line = try firstLine("\(path)/progress"), let json = try? JSONValue(parsing: line),
      json["format"] == .string("decaf-evaluation-progress")
    {
      return InfoReport("an unfinished evaluation; the same decaf evaluate continues it")
    }
    return try list(path)
  }

  private static func store(_ store: StoreInspection) -> InfoReport {
    switch store {
    case .complete(let manifest, let byteCount):
      var report = InfoReport("a store, complete")
      report.add("rows", manifest.rowCount)
      report.add("failed", manifest.failedRowCount)
      report.add("classes", manifest.classes)
      report.addJob(manifest.provenance)
      report.add("bytes", byteCount)
      report.add("job", manifest.fingerprint)
      return report
    case .unfinished(let job, let recorded, let failed, let holder):
      var report = InfoReport("a store, unfinished; the command that began it continues it")
      report.add("rows", job.list.rows)
      report.add("recorded", recorded)
      report.add("failed", failed)
      report.add("written by", holder.map { "\($0)" } ?? "nobody now")
      report.addJob(job)
      report.add("job", job.fingerprint.hexadecimal)
      return report
    }
  }

  private mutating func addJob(_ job: Provenance) {
    add("layers", job.layers.map { "\($0.name) (\($0.width))" })
    add("dtype", job.dtype.rawValue)
    addRecipe(job.recipe)
    add("kernels", job.kernelClass)
    add("list", job.list.sha256)
    if let parts = job.parts {
      add("copied from", parts.map { $0.store + ($0.selection.map { " (\($0))" } ?? "") })
    }
  }

  private mutating func addRecipe(_ recipe: FeatureRecipe) {
    if let descriptor = recipe.descriptor {
      add("descriptor", descriptor)
      add("numbers", recipe.model.sha256)
    } else {
      add("model", recipe.model.architecture)
      add("weights", recipe.model.sha256)
    }
    if case .string(let name)? = recipe.transform["name"] { add("transform", name) }
    add("views", recipe.views)
    add("decoding", recipe.decode)
    add("precision", recipe.precision)
  }

  private static func safetensors(_ path: String, _ byteCount: Int) throws -> InfoReport {
    let file = try SafetensorsFile(path)
    let metadata = file.metadata
    var report: InfoReport
    switch metadata["format"] {
    case "decaf-classifier":
      report = InfoReport("a classifier")
      let parsed = { (key: String) in
        metadata[key].flatMap { try? JSONValue(parsing: Array($0.utf8)) }
      }
      if case .array(let classes)? = parsed("classes") {
        report.add(
          "classes", classes.compactMap { if case .string(let text) = $0 { text } else { nil } })
      }
      for key in ["layer", "loss", "C", "objective"] { report.add(key, metadata[key]) }
      if let features = parsed("features") {
        report.add("width", features["width"]?.count)
        if let recipe = try? features.decoded(FeatureRecipe.self) { report.addRecipe(recipe) }
      }
      report.add("rows", parsed("training")?["rows"]?.count)
      report.add("certificate", metadata["certificate"])
    case Codebook.format: report = codebook(try Codebook.load(path))
    case "decaf-checkpoint":
      report = InfoReport("the checkpoint of a training; the same decaf train continues it")
      report.add("phase", metadata["phase"])
    case CodebookCheckpoint.format:
      report = InfoReport("the checkpoint of a codebook; the same decaf codebook continues it")
      let state = metadata["state"].flatMap { try? JSONValue(parsing: Array($0.utf8)) }
      if case .string(let phase)? = state?["phase"] { report.add("phase", phase) }
      report.add("words", file.tensor(named: "words")?.shape.first)
      report.add("descriptors", file.tensor(named: "descriptors")?.shape.first)
    case "decaf-network-checkpoint":
      report = InfoReport(
        "the checkpoint of a network's training; the same decaf finetune or train-network continues it"
      )
    default:
      report = InfoReport("weights (safetensors); decaf model inspect reads them")
      for key in ["architecture", "name"] { report.add(key, metadata[key]) }
      report.add("tensors", file.tensors.map { "\($0.name) \($0.shape)" })
    }
    report.add("bytes", byteCount)
    return report
  }

  private static func codebook(_ codebook: Codebook) -> InfoReport {
    var report = InfoReport("a codebook of LLC")
    let (origin, outcome) = (codebook.origin, codebook.outcome)
    report.add("words", codebook.count)
    report.add("numbers", codebook.sha256.hexadecimal)
    report.add("descriptors", outcome.descriptors)
    report.add("images", origin.rows)
    report.add("failed", outcome.failedImages)
    report.add("passes", outcome.passes)
    report.add("mean square", "\(outcome.meanSquare)")
    report.add("seed", "\(origin.seed)")
    report.add("decoding", origin.decode)
    report.add("kernels", origin.kernelClass)
    report.add("list", origin.list)
    return report
  }

  private mutating func addProtocol(_ json: JSONValue) {
    for key in ["name", "title", "kind"] {
      if case .string(let text)? = json["protocol"]?[key] { add(key, text) }
    }
    for key in ["layers", "losses"] {
      if case .array(let values)? = json["protocol"]?[key] {
        add(key, values.map { if case .string(let text) = $0 { text } else { $0.compactText } })
      }
    }
    add("splits", json["protocol"]?["splits"]?.count)
    if case .array(let classes)? = json["classes"] { add("classes", classes.count) }
    add("unconverged", json["unconverged"]?.count)
    if case .string(let job)? = json["job"] { add("job", job) }
  }

  private static func list(_ path: String) throws -> InfoReport {
    let list = try ImageList(contentsOf: path)
    var report = InfoReport(
      FileSystem.isFolder(path) ? "a folder of class folders" : "a list of images")
    report.add("images", list.count)
    report.add("labelled", list.labelledCount)
    report.add("classes", list.classes.map(\.description))
    report.add("sha256", list.sha256.hexadecimal)
    return report
  }

  private static func json(_ path: String) throws -> JSONValue? {
    guard try FileSystem.byteCount(of: path) != nil else { return nil }
    let file = try MappedFile(path)
    return try? JSONValue(parsing: file.bytes(0..<file.byteCount))
  }

  private static func firstLine(_ path: String) throws -> [UInt8]? {
    guard try FileSystem.byteCount(of: path) != nil else { return nil }
    let file = try MappedFile(path)
    return file.bytes(0..<min(file.byteCount, 1 << 20)).split(separator: UInt8(ascii: "\n")).first
      .map(Array.init)
  }
}
