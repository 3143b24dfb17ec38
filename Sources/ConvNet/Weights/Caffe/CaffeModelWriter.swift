internal import Files
internal import Formats
internal import Tensors

/// Writes a model as a `.caffemodel` in the current format (`layer`), for Caffe and what reads its
/// files; layers without weights are written too, so that the order of the network is in the file.
enum CaffeModelWriter {
  /// - Throws: `SystemError` when the file cannot be written.
  static func write(_ model: Model, to path: String) throws(SystemError) {
    var network = ProtobufWriter()
    network.text(1, model.name.isEmpty ? model.architecture.rawValue : model.name)
    for layer in model.definition.layers {
      network.message(100) { message in
        describe(layer, in: &message)
        guard layer.hasParameters else { return }
        let stored = model.storedParameters(layer.name).blobs
        for (part, floats) in zip(layer.parameters, stored) {
          message.message(7) { blob in
            // `BlobShape.dim`.
            blob.message(7) { $0.numbers(1, part.shape) }
            blob.floats(5, floats)
          }
        }
      }
    }
    let file = try ReplacementFile(path)
    try network.write(to: file)
    try file.commit()
  }

  /// `LayerParameter` without blobs.
  private static func describe(
    _ layer: NetworkDefinition.Layer, in message: inout ProtobufWriter
  ) {
    let type = type(of: layer.kind).caffe
    message.text(1, layer.name)
    message.text(2, type.name)
    // Layers in place read and make blobs of the plain names.
    message.text(3, layer.input.name)
    message.text(4, layer.output.name)
    let settings = layer.kind.caffeSettings.filter { $0.use != .checked }
    guard !settings.isEmpty, let field = type.settings?.field else { return }
    message.message(field) { message in
      for setting in settings {
        switch setting.value {
        case .integer(let value): message.number(setting.writtenField, value)
        case .float(let value): message.float(setting.writtenField, value)
        }
      }
    }
  }
}
