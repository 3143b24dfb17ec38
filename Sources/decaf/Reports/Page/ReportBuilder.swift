internal import Embedding
internal import Evaluation
internal import FeatureStore
internal import Files
internal import NetworkTraining
internal import Plotting
internal import Tensors

/// Puts the sections of a page together, in the order in which a reader wants them: what it is, how it
/// went, what came of it.
struct ReportBuilder {
  let sources: [ReportSource]
  /// For neighbours; nil for a store's last layer.
  let layer: String?
  let thumbnails: ThumbnailOptions
  let team: ThreadTeam
  let progress: StepProgress

  private var stores: [Store] {
    sources.compactMap { if case .store(let store) = $0 { store } else { nil } }
  }

  /// The page of all sources.
  ///
  /// - Throws: what reading them throws.
  func page(title: String) throws -> ReportPage {
    let pictures = ReportPictures(thumbnails, team: team)
    var absences: [String] = []
    var sections: [ReportPage.Section] = []
    for store in stores {
      let suffix = stores.count > 1 ? ": \(FileSystem.name(of: store.path))" : ""
      sections += try self.sections(of: store, suffix, pictures, &absences)
    }
    for source in sources {
      switch source {
      case .store: break
      case .results(let results):
        sections +=
          EvaluationSections(results: results, stores: stores, pictures: pictures).sections
      case .classifier(let path):
        sections.append(
          .init(
            "Classifier: \(FileSystem.name(of: path))",
            [.facts(try InfoReport.of(path).lines.map { ($0.name, Self.readable($0.value)) })]))
      case .predictions(let record):
        sections +=
          PredictionSections(record: record, store: store(of: record), pictures: pictures)
          .sections
      case .history(let history): sections.append(section(of: history))
      }
    }
    return ReportPage(title: title, sections: sections, absences: absences + missing)
  }

  private func sections(
    of store: Store, _ suffix: String, _ pictures: ReportPictures, _ absences: inout [String]
  ) throws -> [ReportPage.Section] {
    let own = StoreSections(store: store, pictures: pictures, suffix: suffix, team: team)
    let runs = RunSections(store, suffix: suffix)
    var sections = [try own.provenance]
    if runs.isEmpty {
      absences.append(
        "Throughput, hosts and layer times\(suffix): \(store.path) has no records of runs, which decaf "
          + "extract leaves in STORE/runs.")
    } else {
      sections.append(runs.throughput)
      if let layers = runs.layerTimes { sections.append(layers) }
    }
    sections.append(own.failures(progress))
    if store.classes.isEmpty {
      absences.append("Classes\(suffix): the list has no labels.")
    } else {
      sections.append(own.classes)
    }
    let layer = layer.map(LayerName.resolved) ?? store.provenance.layers.last!.name
    do {
      if let section = try own.neighbors(layer, progress) { sections.append(section) }
    } catch let error as EmbeddingError {
      absences.append("Nearest neighbors\(suffix): \(error).")
    }
    return sections
  }

  /// A value that is JSON, such as a certificate, in words.
  private static func readable(_ value: String) -> String {
    guard value.hasPrefix("{"), let json = try? JSONValue(parsing: Array(value.utf8)) else {
      return value
    }
    return json.flattened.map { member in
      "\(member.keyPath.replacing("_", with: " ")) "
        + (Double(member.description).map(ReportText.significant) ?? member.description)
    }.joined(separator: ", ")
  }

  private func section(of history: TrainingHistory) -> ReportPage.Section {
    var blocks: [ReportBlock] = []
    if let last = history.epochs.last {
      func text(_ value: Double?) -> String { value.map(ReportText.significant) ?? "" }
      func percent(_ value: Double?) -> String { value.map { ReportText.percent(100 * $0) } ?? "" }
      blocks.append(
        .table(
          header: ["", "loss", "accuracy"], numbers: [1, 2],
          rows: [
            ["training images, epoch \(last.epoch)", text(last.loss), percent(last.accuracy)],
            ["validation images", text(last.validationLoss), percent(last.validationAccuracy)],
          ]))
    } else {
      blocks.append(.text("No epoch has ended yet."))
    }
    blocks += [history.accuracyCurve, history.lossCurve].compactMap { $0.map { .drawing($0.svg) } }
    return .init("Training: \(history.name)", blocks)
  }

  /// The store on the page whose rows a table of predictions is of: of those with the same number of
  /// rows the one that has its paths.
  private func store(of record: PredictionRecord) -> Store? {
    let examples = (record.rightExamples.compactMap(\.self) + record.mistakes.flatMap(\.examples))
      .prefix(64)
    return stores.first { store in
      store.rowCount == record.rowCount
        && examples.allSatisfy { store.rows[$0.row].path == $0.path }
    }
  }

  /// What nothing was given for.
  private var missing: [String] {
    var kinds: Set<String> = []
    for source in sources {
      switch source {
      case .store: kinds.insert("store")
      case .results: kinds.insert("results")
      case .classifier: kinds.insert("classifier")
      case .predictions: kinds.insert("predictions")
      case .history: kinds.insert("history")
      }
    }
    var lines: [String] = []
    if !kinds.contains("store") {
      lines.append(
        "Provenance, throughput, failures, classes and nearest neighbors: give the store too.")
    }
    if !kinds.contains("predictions") {
      lines.append(
        "The images that were taken for others"
          + (kinds.contains("results") ? "" : ", confusion and accuracy by class")
          + ": give a table of decaf predict too.")
    }
    if !kinds.contains("results") {
      lines.append(
        "Accuracies over splits and learning curves: give a folder of decaf evaluate too.")
    }
    if !kinds.contains("classifier") {
      lines.append("The certificate of a classifier: give the file of decaf train too.")
    }
    if !kinds.contains("history") {
      lines.append(
        "The training of a network: give the .history.tsv of decaf train-network or finetune too.")
    }
    return lines
  }
}
