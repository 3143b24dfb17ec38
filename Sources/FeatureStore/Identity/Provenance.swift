package import Files
package import Tensors

/// A job's identity: everything that decides the bytes of its store.
///
/// What is not here (ranks, threads, batch, gather mode, host, time, paths) must not show in them.
package struct Provenance: Codable, Equatable, Sendable {
  /// The image list: SHA-256 of its bytes, and how many entries it has.
  package struct List: Codable, Equatable, Sendable {
    package var sha256: String
    package var rows: Int

    package init(sha256: SHA256Digest, rows: Int) {
      self.sha256 = sha256.hexadecimal
      self.rows = rows
    }
  }

  /// A file of another program that the features were imported from.
  package struct ImportedFile: Codable, Equatable, Sendable {
    package var format: String
    /// The variable that held them, where the format names any.
    package var variable: String?
    package var sha256: String

    package init(format: String, variable: String?, sha256: SHA256Digest) {
      self.format = format
      self.variable = variable
      self.sha256 = sha256.hexadecimal
    }
  }

  /// A store, or some rows of one, that this store's rows were copied from.
  package struct Part: Codable, Equatable, Sendable {
    /// SHA-256 of the part's `store.json`, which has those of all its files.
    package var store: String
    /// The part's own list, all of it.
    package var list: List
    /// Which rows of it these are, in words; nil for all.
    package var selection: String?

    package init(store: SHA256Digest, list: List, selection: String?) {
      self.store = store.hexadecimal
      self.list = list
      self.selection = selection
    }
  }

  /// Of a store of copied rows, by `StoreJoin.listDigest(_:)`.
  package var list: List
  /// What the features were made by.
  package var recipe: FeatureRecipe
  package var layers: [LayerSpec]
  package var dtype: ElementType
  /// Nil: one file a layer.
  package var rowsPerShard: Int?
  package var kernelClass: String
  /// Version of the arithmetic: grows when the same job starts to give other bytes.
  package var arithmetic: Int
  /// Nil for features that this program extracted.
  package var imported: ImportedFile?
  /// What the rows were copied from, in this order; nil for rows that were computed or imported.
  package var parts: [Part]?

  package init(
    list: List, recipe: FeatureRecipe, layers: [LayerSpec], dtype: ElementType,
    rowsPerShard: Int? = nil, kernelClass: String, arithmetic: Int
  ) {
    self.list = list
    self.recipe = recipe
    self.layers = layers
    self.dtype = dtype
    self.rowsPerShard = rowsPerShard
    self.kernelClass = kernelClass
    self.arithmetic = arithmetic
    if let problem { preconditionFailure(problem) }
  }

  /// No list has more: below it no arithmetic on rows and shards overflows.
  private static let mostRows = 1 << 48

  /// What makes this no identity of any job, when it was read from a file; nil when it is one.
  var problem: String? {
    if layers.isEmpty { return "it has no layer" }
    if Set(layers.map { Array($0.fileStem.utf8) }).count != layers.count {
      return "two layers share a file"
    }
    if !ElementType.storable.contains(dtype) { return "no store holds \(dtype.rawValue)" }
    if !(0...Self.mostRows ~= list.rows) { return "it has \(list.rows) rows" }
    if let rowsPerShard, !(1...Self.mostRows ~= rowsPerShard) {
      return "it has \(rowsPerShard) rows a shard"
    }
    return layers.lazy.compactMap { $0.problem(rows: list.rows) }.first
  }

  /// The layer of this name, by bytes: `String` takes composed characters for equal to others.
  package func layer(named name: String) -> LayerSpec? {
    layers.first { $0.name.utf8.elementsEqual(name.utf8) }
  }

  /// The whole identity as JSON.
  package var json: JSONValue {
    // Encoding fails only for numbers that JSON lacks, which no transform holds.
    do { return try JSONValue(encoding: self) } catch {
      preconditionFailure("provenance cannot be written as JSON: \(error)")
    }
  }

  /// SHA-256 of the identity's compact JSON.
  package var fingerprint: SHA256Digest { SHA256Digest(of: json.compactText.utf8) }

  /// What this job has otherwise than `other`, the job of an existing store, in words.
  ///
  /// - Parameters:
  ///   - theirs: what the words call `other`.
  ///   - ours: what they call this one.
  package func differences(
    from other: Provenance, theirs: String = "the store", ours: String = "this job"
  ) -> [String] {
    let theirLayers = other.layers.map { ByteString($0.name) }
    let ourLayers = layers.map { ByteString($0.name) }
    var differences: [String] = []
    if theirLayers != ourLayers {
      differences.append(
        "layers: \(theirs) has \(theirLayers.map(\.description).joined(separator: ",")), \(ours) has "
          + ourLayers.map(\.description).joined(separator: ","))
    }
    for difference in json.differences(from: other.json) {
      // Other layers have other shapes and files: their names say it all.
      if theirLayers != ourLayers && difference.keyPath.hasPrefix("layers[") { continue }
      differences.append(
        "\(difference.keyPath): \(theirs) has \(difference.other), \(ours) has \(difference.own)")
    }
    return differences
  }
}

extension Provenance {
  /// The members beside the recipe's, whose own stand among them: `model`, `transform`, `decode`,
  /// `views`, `precision`. That is the format of store.json and of the journal, and what the
  /// fingerprint is of.
  private enum CodingKeys: String, CodingKey {
    case list, layers, dtype, rowsPerShard, kernelClass, arithmetic, imported, parts
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    recipe = try FeatureRecipe(from: decoder)
    list = try container.decode(List.self, forKey: .list)
    layers = try container.decode([LayerSpec].self, forKey: .layers)
    dtype = try container.decode(ElementType.self, forKey: .dtype)
    rowsPerShard = try container.decodeIfPresent(Int.self, forKey: .rowsPerShard)
    kernelClass = try container.decode(String.self, forKey: .kernelClass)
    arithmetic = try container.decode(Int.self, forKey: .arithmetic)
    imported = try container.decodeIfPresent(ImportedFile.self, forKey: .imported)
    parts = try container.decodeIfPresent([Part].self, forKey: .parts)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try recipe.encode(to: encoder)
    try container.encode(list, forKey: .list)
    try container.encode(layers, forKey: .layers)
    try container.encode(dtype, forKey: .dtype)
    try container.encodeIfPresent(rowsPerShard, forKey: .rowsPerShard)
    try container.encode(kernelClass, forKey: .kernelClass)
    try container.encode(arithmetic, forKey: .arithmetic)
    try container.encodeIfPresent(imported, forKey: .imported)
    try container.encodeIfPresent(parts, forKey: .parts)
  }
}
