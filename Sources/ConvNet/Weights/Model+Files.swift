internal import Files

extension Model {
  /// The digest of the weights in one version of a file.
  package struct KnownDigest: Codable, Equatable, Sendable {
    /// The file's `InputFile.key`.
    package let file: String
    /// `weightsSHA256` in hexadecimal.
    package let sha256: String
  }

  /// What another process of this host may take this model's digest from; nil where it has none to give.
  package var knownDigest: KnownDigest? {
    inputs.count == 1
      ? KnownDigest(file: inputs[0].key, sha256: weightsSHA256.hexadecimal) : nil
  }

  /// Opens a network's weights in one of `WeightFormats`, told apart by content.
  ///
  /// The file is mapped and read through once, for the digest. It may end after any layer that has
  /// weights; layers of other names (a fine-tuned classifier, say) are left aside with a warning.
  ///
  /// - Parameters:
  ///   - architecture: overrides what the file says; nil takes, in this order, the file's metadata, the
  ///     order of its own layers, its network name, or the network that comes with decaf which its
  ///     layers' names and shapes fit: of two orders `caffenet`, with a warning.
  ///   - known: what another process of this host found; if it is this very file that it read, this one
  ///     does not read all numbers again.
  /// - Throws: `ModelError`.
  package static func open(
    _ path: String, architecture: Architecture? = nil, known: KnownDigest? = nil
  ) throws(ModelError) -> Model {
    let mapped: MappedFile
    do throws(SystemError) {
      mapped = try MappedFile(path)
    } catch { throw .cannotRead(error) }
    let file = try WeightFormats.format(of: mapped).init(mapped)
    var contents = file.contents
    // Shapes first: of another network, the order of its layers is not worth a message.
    let stated = architecture ?? contents.metadataArchitecture
    contents = try contents.namedByOrder(as: stated).withoutPrefix(as: stated)
    let candidate: Architecture
    if let stated {
      candidate = stated
    } else {
      candidate = try contents.fittingArchitecture { [contents] network in
        (try? file.check(against: contents.reachedDefinition(of: network), of: network)) != nil
      }
    }
    if stated == nil { try contents.requireMost(of: candidate) }
    let parameters = try contents.parameters(of: candidate.definition)
    if candidate.hasTwoOrders { contents.layerOrder = try file.layerOrder() }
    let model = try Model(
      contents, parameters: parameters, given: architecture, fitting: candidate,
      inputs: [mapped.input],
      digest: known?.file == mapped.input.key
        ? known.map { SHA256Digest(hexadecimal: $0.sha256) } : nil)
    try file.check(against: model.definition, of: model.architecture)
    return model
  }

  private convenience init(
    _ contents: ModelFile, parameters: [String: LayerParameters], given: Architecture?,
    fitting: Architecture, inputs: [InputFile], digest: SHA256Digest?
  ) throws(ModelError) {
    let choice = contents.architecture(given: given, fitting: fitting)
    try self.init(
      architecture: choice.architecture, parameters: parameters,
      origin: Origin(
        name: contents.networkName, path: contents.path, architectureSource: choice.source,
        preprocess: contents.preprocess, transform: contents.transform,
        isUntrained: contents.isUntrained,
        training: contents.training, panelsDigest: contents.panelsDigest,
        warnings: choice.warnings + contents.notes
          + contents.warningOfOtherLayers(than: choice.architecture),
        inputs: inputs), digest: digest)
  }

  /// Writes the weights to `path`, in the one of `WeightFormats` that its ending names.
  ///
  /// The file appears when it is complete; until then whatever was at `path` stays. The same model
  /// gives the same bytes.
  ///
  /// - Throws: `ModelError.unknownFormat`, `cannotWrite` or `notInONNX`.
  package func write(to path: String) throws(ModelError) {
    try WeightFormats.format(toWrite: path).write(self, to: path)
  }
}

extension Architecture {
  /// There is another network of the same names and shapes, whose layers have another order.
  var hasTwoOrders: Bool { [.caffenet, .alexnet].contains(self) }
}
