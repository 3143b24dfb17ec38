internal import ArgumentParser
internal import FeatureStore

/// `--layer` of commands that read one layer of a store.
struct LayerOptions: ParsableArguments {
  @Option(help: "The layer; default: the store's only one.")
  var layer: String?

  /// The layer's name as the store has it.
  ///
  /// - Throws: `ValidationError` when there are several layers and none was chosen.
  func name(in store: Store) throws -> String {
    if let layer { return LayerName.resolved(layer) }
    let names = store.provenance.layers.map(\.name)
    guard names.count == 1 else {
      throw ValidationError(
        "\(store.path) has several layers; give --layer, one of \(names.joined(separator: ", ")).")
    }
    return names[0]
  }
}
