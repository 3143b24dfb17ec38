package import Files
internal import Tensors

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

  /// The network: its architecture, and SHA-256 of its weights' numbers.
  package struct Network: Codable, Equatable, Sendable {
    package var architecture: String
    package var sha256: String

    package init(architecture: String, sha256: SHA256Digest) {
      self.architecture = architecture
      self.sha256 = sha256.hexadecimal
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

  package var list: List
  package var model: Network
  /// The whole input transform.
  package var transform: JSONValue
  package var decode: String
  package var views: String
  package var layers: [LayerSpec]
  package var dtype: ElementType
  /// What the engine computes in; not what the store holds.
  package var precision: String
  /// Nil: one file a layer.
  package var rowsPerShard: Int?
  package var kernelClass: String
  /// Version of the arithmetic: grows when the same job starts to give other bytes.
  package var arithmetic: Int
  /// Nil for features that this program extracted.
  package var imported: ImportedFile?

  package init(
    list: List, model: Network, transform: JSONValue, decode: String, views: String,
    layers: [LayerSpec], dtype: ElementType, precision: String = "fp32",
    rowsPerShard: Int? = nil, kernelClass: String, arithmetic: Int
  ) {
    self.list = list
    self.model = model
    self.transform = transform
    self.decode = decode
    self.views = views
    self.layers = layers
    self.dtype = dtype
    self.precision = precision
    self.rowsPerShard = rowsPerShard
    self.kernelClass = kernelClass
    self.arithmetic = arithmetic
    if let problem { preconditionFailure(problem) }
  }

  /// What makes this no identity of any job, when it was read from a file; nil when it is one.
  var problem: String? {
    if layers.isEmpty { return "it has no layer" }
    if Set(layers.map { Array($0.fileStem.utf8) }).count != layers.count {
      return "two layers share a file"
    }
    if list.rows < 0 { return "it has \(list.rows) rows" }
    if let rowsPerShard, rowsPerShard < 1 { return "it has \(rowsPerShard) rows a shard" }
    return layers.lazy.compactMap { $0.problem(rows: list.rows) }.first
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
  package func differences(from other: Provenance) -> [String] {
    let theirs = Dictionary(uniqueKeysWithValues: other.json.flattened.map { ($0.0, $0.1) })
    let ours = Dictionary(uniqueKeysWithValues: json.flattened.map { ($0.0, $0.1) })
    var differences: [String] = []
    let (theirLayers, ourLayers) = (other.layers.map(\.name), layers.map(\.name))
    if theirLayers != ourLayers {
      differences.append(
        "layers: the store has \(theirLayers.joined(separator: ",")), this job has "
          + ourLayers.joined(separator: ","))
    }
    for key in Set(theirs.keys).union(ours.keys).sorted() {
      // Other layers have other shapes and files: their names say it all.
      if theirLayers != ourLayers && key.hasPrefix("layers[") { continue }
      if let theirs = theirs[key], let ours = ours[key], theirs.utf8.elementsEqual(ours.utf8) {
        continue
      }
      differences.append(
        "\(key): the store has \(Self.shown(theirs[key])), this job has "
          + Self.shown(ours[key]))
    }
    return differences
  }

  private static func shown(_ value: String?) -> String {
    guard let value else { return "none" }
    return value.utf8.count > 40 ? "\(value.prefix(12))…" : value
  }
}
