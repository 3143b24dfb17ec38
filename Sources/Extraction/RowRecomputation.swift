package import ConvNet
internal import Descriptors
package import FeatureStore
package import Files
internal import Images
package import Tensors

/// Computes some rows of a complete store anew, and compares them byte by byte.
package struct RowRecomputation: Sendable {
  /// Rows looked at.
  package private(set) var count = 0
  /// What is wrong, a sentence each.
  package private(set) var problems: [String] = []

  /// Where the store's rows came from, as its user says or its runs recorded.
  package struct Sources: Sendable {
    package var model: String
    /// Of a store of a descriptor that codes by words.
    package var codebook: String?
    package var architecture: Architecture?
    package var list: String
    package var root: String?
    package var maxMegapixels = ImageDecoder.pixelLimit / 1_000_000

    package init(model: String, list: String) {
      self.model = model
      self.list = list
    }
  }

  /// Rows to look at: the first, the last, and evenly between them.
  static func sample(_ wanted: Int, of count: Int) -> [Int] {
    if wanted >= count { return Array(0..<count) }
    if wanted == 1 { return [count / 2] }
    return (0..<wanted).map { $0 * (count - 1) / (wanted - 1) }
  }

  /// - Parameter wanted: how many rows.
  /// - Throws: `RecomputationError` where these sources cannot give these rows; `ModelError`,
  ///   `ImageListError`, `StoreError`.
  package init(of store: Store, _ wanted: Int, from sources: Sources, team: ThreadTeam) throws {
    let list = try ImageList(contentsOf: sources.list, root: sources.root)
    let plan = try Self.plan(store, list, sources)
    let extractor = try LoneExtractor(plan, maxMegapixels: sources.maxMegapixels, team: team)
    let layers = try store.provenance.layers.map { try store.layer(named: $0.name) }
    let rows = Self.sample(wanted, of: store.rowCount)
    for start in stride(from: 0, to: rows.count, by: extractor.batchSize) {
      let group = Array(rows[start..<min(start + extractor.batchSize, rows.count)])
      let result = try extractor.rows(
        of: group.map { row in
          let entry = list[row]
          return BatchItem(
            location: list.location(of: entry), box: entry.box, defect: entry.defect)
        })
      try compare(result, with: group, of: store, layers)
    }
    try store.requireUnchanged()
    count = rows.count
  }

  /// What the store's job computed.
  private static func plan(
    _ store: Store, _ list: ImageList, _ sources: Sources
  ) throws -> ExtractionPlan {
    let job = store.provenance
    guard let kernelClass = KernelClass(rawValue: job.kernelClass),
      KernelClass.supported.contains(kernelClass)
    else {
      throw RecomputationError.otherProcessor(
        job.kernelClass, supported: KernelClass.supported.map(\.rawValue))
    }
    if list.sha256.hexadecimal != job.list.sha256 || list.count != job.list.rows {
      throw RecomputationError.otherList(
        path: sources.list, isCopied: job.parts != nil)
    }
    var recipe: RecipeOptions
    do throws(ProblemError) { recipe = try RecipeOptions(job.recipe) } catch {
      throw RecomputationError.otherRecipe(error.text)
    }
    recipe.architecture = sources.architecture ?? recipe.architecture
    var request = ExtractionRequest(recipe)
    request.dtype = job.dtype
    if let name = job.recipe.descriptor {
      // Known, or the recipe would have been refused.
      request.descriptor = DescriptorChoice(
        DescriptorKind(rawValue: name)!, codebook: sources.codebook)
    } else {
      request.model = sources.model
      request.layers = try job.layers.map { try BlobName(parsing: $0.name) }
    }
    let source = try request.openSource()
    if job.arithmetic != source.arithmeticVersion {
      throw RecomputationError.otherArithmetic(
        found: job.arithmetic, expected: source.arithmeticVersion)
    }
    if source.recipe != job.recipe {
      let (found, expected) = (source.recipe.model, job.recipe.model)
      throw RecomputationError.otherModel(
        path: source.path, found: "\(found.architecture), \(found.sha256)",
        expected: "\(expected.architecture), \(expected.sha256)")
    }
    return ExtractionPlan(request, source: source, kernelClass: kernelClass)
  }

  /// - Parameter rows: the store's, in the order of those of `result`.
  private mutating func compare(
    _ result: BatchResult, with rows: [Int], of store: Store, _ layers: [StoredLayer]
  ) throws {
    for exception in result.unreadable {
      let row = rows[exception.row]
      compareStatus(exception, store.rows[row], row)
    }
    for part in result.parts {
      for place in part.finished.rows {
        let row = rows[place]
        let found =
          part.finished.exceptions.first { $0.row == place }
          ?? RowException(row: place, status: .ok, message: "")
        compareStatus(found, store.rows[row], row)
        for (index, layer) in layers.enumerated() {
          var stored: [UInt8] = []
          layer.appendBytes(row..<row + 1, to: &stored)
          let start = (place - part.finished.rows.lowerBound) * stored.count
          if part.data[index][start..<start + stored.count] != SharedBytes(stored) {
            problems.append(
              "row \(row), \(store.rows[row].path): layer \(layer.spec.name) comes out otherwise")
          }
        }
      }
    }
  }

  private mutating func compareStatus(_ found: RowException, _ stored: RowTable.Row, _ row: Int) {
    if found.status == stored.status && found.message == stored.message { return }
    func text(_ status: RowStatus, _ message: String) -> String {
      message.isEmpty ? status.rawValue : "\(status.rawValue): \(message)"
    }
    problems.append(
      "row \(row), \(stored.path): found \(text(found.status, found.message)), the store says "
        + text(stored.status, stored.message))
  }
}

/// Why rows of a store cannot be computed anew.
package enum RecomputationError: ErrorWithStatus, Equatable, CustomStringConvertible {
  case otherArithmetic(found: Int, expected: Int)
  case otherProcessor(String, supported: [String])
  case otherList(path: String, isCopied: Bool)
  case otherRecipe(String)
  case otherModel(path: String, found: String, expected: String)

  package var description: String {
    let prefix = "--deep: the rows cannot be computed anew: "
    return switch self {
    case .otherArithmetic(let found, let expected):
      prefix
        + "the store is of version \(found) of the arithmetic, this program has \(expected); run "
        + "the decaf that made it (its runs/ folder tells which)"
    case .otherProcessor(let name, let supported):
      prefix + "the store is of \(name) kernels, this processor has "
        + "\(supported.joined(separator: ", ")); run it where \(name) runs"
    case .otherList(let path, let isCopied):
      prefix
        + (isCopied
          ? "its rows are copied from other stores; verify those"
          : "\(path) is not the list of the store any more; name that by --list")
    case .otherRecipe(let text): prefix + text
    case .otherModel(let path, let found, let expected):
      prefix
        + "\(path): expected \(expected), found \(found); name the store's own weights by --model"
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .otherArithmetic, .otherProcessor, .otherRecipe: .usage
    case .otherList, .otherModel: .badInput
    }
  }
}
