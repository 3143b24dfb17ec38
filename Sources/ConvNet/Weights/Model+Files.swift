internal import Files

extension Model {
  /// Opens a network's weights in one of `WeightFormats`, told apart by content.
  ///
  /// The file is mapped and read through once, for the digest. It may end after any layer that has
  /// weights; layers of other names (a fine-tuned classifier, say) are left aside with a warning.
  ///
  /// - Parameter architecture: overrides what the file says; nil takes, in this order, the order of
  ///   the file's own layers, its metadata, its network name, or `caffenet` with a warning.
  /// - Throws: `ModelError`.
  package static func open(
    _ path: String, architecture: Architecture? = nil
  ) throws(ModelError) -> Model {
    let mapped: MappedFile
    do throws(SystemError) {
      mapped = try MappedFile(path)
    } catch { throw .cannotRead(error) }
    let file = try WeightFormats.format(of: mapped).init(mapped)
    var contents = file.contents
    // Shapes first: of another network, the order of its layers is not worth a message.
    let parameters = try contents.parameters()
    contents.layerOrder = try file.layerOrder()
    let model = try Model(
      contents, parameters: parameters, given: architecture, inputs: [mapped.input])
    try file.check(against: model.definition)
    return model
  }

  private convenience init(
    _ contents: ModelFile, parameters: [String: LayerParameters], given: Architecture?,
    inputs: [InputFile]
  ) throws(ModelError) {
    let choice = contents.architecture(given: given)
    try self.init(
      architecture: choice.architecture, parameters: parameters,
      origin: Origin(
        name: contents.networkName, path: contents.path, architectureSource: choice.source,
        isUntrained: contents.isUntrained, panelsDigest: contents.panelsDigest,
        warnings: choice.warnings + contents.warningOfOtherLayers, inputs: inputs))
  }

  /// Writes the weights to `path`, in the one of `WeightFormats` that its ending names.
  ///
  /// The file appears when it is complete; until then whatever was at `path` stays. The same model
  /// gives the same bytes.
  ///
  /// - Throws: `ModelError.unknownFormat` or `cannotWrite`.
  package func write(to path: String) throws(ModelError) {
    let format = try WeightFormats.format(toWrite: path)
    do throws(SystemError) {
      try format.write(self, to: path)
    } catch { throw .cannotWrite(error) }
  }
}
