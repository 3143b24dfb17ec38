internal import Files
internal import Images
package import Tensors

/// `store.json`: what a complete store holds. Its presence is what makes the store complete.
package struct StoreManifest: Codable, Equatable, Sendable {
  /// A file and the SHA-256 of its bytes.
  package struct File: Codable, Equatable, Sendable {
    package let file: String
    package let sha256: String
  }

  /// One layer and the files of its shards, in row order.
  package struct Layer: Codable, Equatable, Sendable {
    package let name: String
    /// Values in a row, all views.
    package let width: Int
    package let dtype: ElementType
    package let shards: [File]
  }

  private(set) package var format = Self.formatName
  private(set) package var version = Self.currentVersion
  package let rowCount: Int
  package let failedRowCount: Int
  /// Finite values that became infinite in float16.
  package let overflowCount: Int
  /// In class order.
  package let classes: [String]
  package let layers: [Layer]
  package let rows: File
  package let fingerprint: String
  package let provenance: Provenance

  private static let formatName = "decaf-store"
  private static let currentVersion = 1

  /// - Parameter digests: SHA-256 of every shard, by layer and shard.
  /// - Throws: `invalidClass` for one that is not UTF-8.
  init(
    provenance: Provenance, classes: [ByteString], failedRowCount: Int, overflowCount: Int,
    digests: [[SHA256Digest]], rows: SHA256Digest
  ) throws(StoreError) {
    self.classes = try Self.names(of: classes)
    let layout = StoreLayout(provenance)
    rowCount = layout.rowCount
    self.failedRowCount = failedRowCount
    self.overflowCount = overflowCount
    layers = layout.layers.indices.map { layer in
      Layer(
        name: layout.layers[layer].name, width: layout.layers[layer].width,
        dtype: layout.elementType,
        shards: digests[layer].enumerated().map { shard, digest in
          File(file: layout.name(layer: layer, shard: shard), sha256: digest.hexadecimal)
        })
    }
    self.rows = File(file: StoreLayout.rows, sha256: rows.hexadecimal)
    fingerprint = provenance.fingerprint.hexadecimal
    self.provenance = provenance
  }

  /// The classes as text.
  ///
  /// - Throws: `invalidClass` for one that is not UTF-8.
  static func names(of classes: [ByteString]) throws(StoreError) -> [String] {
    var names = [String]()
    for name in classes {
      guard let text = name.utf8String else { throw .invalidClass(name.description) }
      names.append(text)
    }
    return names
  }

  /// The file's bytes.
  var bytes: [UInt8] {
    // As with `Provenance.json`: there is nothing in it that JSON lacks.
    do { return Array(try JSONValue(encoding: self).prettyText.utf8) } catch {
      preconditionFailure("the manifest cannot be written as JSON: \(error)")
    }
  }

  /// Reads the manifest and checks it against itself.
  ///
  /// - Returns: nil when the folder has none.
  /// - Throws: `damaged`, `unsupportedVersion`, `cannotRead`.
  static func read(_ folder: StoreFolder) throws(StoreError) -> StoreManifest? {
    let path = folder.path(of: StoreLayout.manifest)
    let bytes: [UInt8]
    do throws(SystemError) { bytes = try folder.contents(of: StoreLayout.manifest) } catch {
      if error.code == SystemError.missing(path).code { return nil }
      throw .cannotRead(error)
    }
    guard let json = try? JSONValue(parsing: bytes), json["format"] == .string(formatName)
    else { throw .damaged(path: path, problem: "it is not the manifest of a decaf store") }
    if case .number(let version) = json["version"], version != Double(currentVersion) {
      guard let found = Int(exactly: version) else {
        throw .damaged(path: path, problem: "its version is \(version)")
      }
      throw .unsupportedVersion(path: path, found: found, supported: currentVersion)
    }
    let manifest: StoreManifest
    do { manifest = try json.decoded(StoreManifest.self) } catch {
      throw .damaged(path: path, problem: "it lacks or misspells a member: \(error)")
    }
    if let problem = manifest.problem { throw .damaged(path: path, problem: problem) }
    return manifest
  }

  /// How the manifest contradicts itself; nil when it does not.
  private var problem: String? {
    if let problem = provenance.problem { return problem }
    guard fingerprint == provenance.fingerprint.hexadecimal else {
      return "its fingerprint is not that of its provenance"
    }
    if Set(classes.map { Array($0.utf8) }).count != classes.count {
      return "a class stands there twice"
    }
    let layout = StoreLayout(provenance)
    // Before names of so many files are made: the identity alone may claim any number of shards.
    guard layers.allSatisfy({ $0.shards.count == layout.shardCount }) else {
      return "its provenance has \(layout.shardCount) shards, its layers have others"
    }
    let files = layout.layers.indices.map { layer in
      (0..<layout.shardCount).map { layout.name(layer: layer, shard: $0) }
    }
    guard rowCount == layout.rowCount, rows.file == StoreLayout.rows,
      layers.map(\.name) == layout.layers.map(\.name),
      layers.map(\.width) == layout.layers.map(\.width),
      layers.allSatisfy({ $0.dtype == layout.elementType }),
      layers.map({ $0.shards.map(\.file) }) == files
    else { return "its rows, layers or files are not those of its provenance" }
    return nil
  }
}
