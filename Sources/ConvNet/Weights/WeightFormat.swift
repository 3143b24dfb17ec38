internal import Files

/// A file format that holds a network's weights; a value is what one file says.
///
/// To add a format, write its file and name it in `WeightFormats`: opening, messages and help texts ask
/// the list and know no other.
protocol WeightFormat: Sendable {
  /// How the names of such files end, without the dot: `safetensors`.
  static var pathExtension: String { get }
  /// The file's bytes are of this format, and no other's begin so; never where the format has no mark
  /// of its own.
  static func recognizes(_ file: MappedFile) -> Bool

  /// Reads the file's structure; the numbers stay in it.
  ///
  /// - Throws: `ModelError`, when the file is damaged or says what is not understood.
  init(_ file: MappedFile) throws(ModelError)
  var contents: ModelFile { get }
  /// The architecture that the order of the file's own layers amounts to; nil, the default, when the
  /// file does not list them. Asked once the weights' shapes are known to fit.
  ///
  /// - Throws: `ModelError.wrongSetting` for an order of neither.
  func layerOrder() throws(ModelError) -> Architecture?
  /// Compares what else the file says of its layers with the definition; by default nothing.
  ///
  /// - Throws: `ModelError.wrongSetting` for the first difference.
  func check(
    against definition: NetworkDefinition, of architecture: Architecture
  ) throws(ModelError)
}

extension WeightFormat {
  func layerOrder() throws(ModelError) -> Architecture? { nil }
  func check(
    against definition: NetworkDefinition, of architecture: Architecture
  ) throws(ModelError) {}
}

/// A format that is written too.
protocol WritableWeightFormat: WeightFormat {
  /// Writes the model; the file appears when it is complete. The same model gives the same bytes.
  ///
  /// - Throws: `ModelError.cannotWrite`, or what the format cannot say of the network.
  static func write(_ model: Model, to path: String) throws(ModelError)
}
