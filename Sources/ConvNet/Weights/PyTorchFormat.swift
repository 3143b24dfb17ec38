internal import Files
internal import Formats

/// `.pth`, what `torch.save` writes of a network's `state_dict()`, alone or in a checkpoint; see
/// `TorchFile` for its forms and `TorchNames` for the layers' names.
struct PyTorchFormat: WeightFormat {
  static let pathExtension = "pth"

  let contents: ModelFile

  static func recognizes(_ file: MappedFile) -> Bool {
    TorchFile.isArchive(file) || TorchFile.isLegacy(file)
  }

  /// - Throws: `ModelError.format`.
  init(_ file: MappedFile) throws(ModelError) {
    var contents = ModelFile(path: file.path)
    do throws(FormatError) {
      let tensors = try TorchFile(file).tensors.map { tensor in
        (tensor.name, tensor.floats.map { ModelFile.Blob(shape: tensor.shape, floats: $0) })
      }
      contents.layers = TorchNames.layers(of: tensors, name: TorchNames.plain)
    } catch { throw .format(error) }
    self.contents = contents
  }
}
