package import Communication
package import FeatureStore
internal import Files
internal import Images
internal import Tensors

/// One layer of some stores, checked to be trained on together.
package struct TrainingStores {
  /// Those that this rank reads.
  package let stores: [Store]
  /// The rows of all stores, one after the other.
  package let rows: any RowSource
  /// How the features of all were made.
  package let origin: FeatureOrigin
  /// What the stores are, all of them.
  package let identities: [TrainingIdentity.StoreIdentity]

  /// Stores that every rank sees.
  ///
  /// - Throws: `StoreError` for a store that is incomplete, damaged or lacks the layer;
  ///   `ClassificationError.incompatibleStores`, naming what differs.
  /// - Precondition: there is a path.
  package init(_ paths: [String], layer name: String) throws {
    stores = try paths.map { path throws(StoreError) in try Store(path) }
    let sources = try stores.map { store throws(StoreError) in
      try StoreRows(store, layer: name)
    }
    let descriptions = zip(stores, sources).map { Description($0, $1, layer: name, name: $0.path) }
    origin = try Self.commonOrigin(descriptions)
    identities = descriptions.map(\.identity)
    rows = sources.count == 1 ? sources[0] : try JoinedRows(sources)
  }

  /// What a rank tells of a store.
  private struct Description: Codable {
    let identity: TrainingIdentity.StoreIdentity
    let name: String
    let rowCount: Int
    let classNames: [String]
    let origin: FeatureOrigin

    init(_ store: Store, _ rows: StoreRows, layer: String, name: String) {
      identity = TrainingIdentity.StoreIdentity(store, layer: layer)
      self.name = name
      (rowCount, classNames) = (rows.rowCount, rows.classNames)
      origin = FeatureOrigin(store.provenance, layer: store.provenance.layer(named: layer)!)
    }
  }

  private static func commonOrigin(_ descriptions: [Description]) throws -> FeatureOrigin {
    let first = descriptions[0]
    for other in descriptions.dropFirst() {
      let differences = try first.origin.differences(from: other.origin)
      if !differences.isEmpty {
        throw ClassificationError.incompatibleStores(
          first: first.name, source: other.name, differences: differences)
      }
    }
    return first.origin
  }
}

// MARK: Stores of hosts that share nothing

extension TrainingStores {
  /// Stores that lie on each host, at the same paths: together they are trained on as if all were one
  /// after the other, in the order of the lowest ranks that see them.
  ///
  /// Stores with the same rows and features are one store that several ranks see. Collective.
  ///
  /// - Throws: `JobFailure`, for what `init` throws.
  package init(onEachHost paths: [String], layer name: String, _ communicator: any Communicator)
    throws
  {
    let own = try communicator.agree { try TrainingStores(paths, layer: name) }
    let sources = try communicator.agree { try own.stores.map { try StoreRows($0, layer: name) } }
    let descriptions = zip(own.stores, sources).map {
      Description($0, $1, layer: name, name: "\($0.path) on \(communicator.hostName)")
    }
    let text = try JSONValue(encoding: descriptions).compactText
    let all = try communicator.gatherAll(Array(text.utf8)).map {
      try JSONValue(parsing: $0).decoded([Description].self)
    }
    var parts: [(description: Description, holders: [Int])] = []
    for (rank, descriptions) in all.enumerated() {
      for one in descriptions {
        if let index = parts.firstIndex(where: { $0.description.identity == one.identity }) {
          if parts[index].holders.last != rank { parts[index].holders.append(rank) }
        } else {
          parts.append((one, [rank]))
        }
      }
    }
    origin = try communicator.agree { try Self.commonOrigin(parts.map(\.description)) }
    identities = parts.map(\.description.identity)
    stores = own.stores
    rows = try Self.scattered(
      parts.map { part in
        let place = descriptions.firstIndex { $0.identity == part.description.identity }
        return (part.description, part.holders, place.map { sources[$0] })
      }, width: origin.width, communicator)
  }

  /// Gives every rank the labels of all rows. Collective.
  private static func scattered(
    _ stores: [(description: Description, holders: [Int], local: StoreRows?)], width: Int,
    _ communicator: any Communicator
  ) throws -> ScatteredRows {
    let names = stores.map { $0.description.classNames.map { ByteString($0) } }
    let classes = ByteString.classes(of: names.joined())
    let position = Dictionary(uniqueKeysWithValues: zip(classes, classes.indices))
    var (parts, uses): ([ScatteredRows.Part], [Int32]) = ([], [])
    for (store, names) in zip(stores, names) {
      var codes: [UInt8] = []
      if let local = store.local, communicator.rank == store.holders[0] {
        let map = names.map { position[$0]! }
        codes = NumberBytes.bytes(
          (0..<local.rowCount).map { ScatteredRows.code(local.use(of: $0), map) })
      }
      try communicator.broadcast(&codes, root: store.holders[0])
      let start = uses.count
      uses += NumberBytes.numbers(codes) as [Int32]
      parts.append(
        ScatteredRows.Part(
          name: store.description.name, rows: start..<uses.count, holders: store.holders,
          local: store.local))
    }
    return ScatteredRows(
      parts: parts, uses: uses, classNames: classes.map(\.description), width: width,
      rank: communicator.rank)
  }
}
