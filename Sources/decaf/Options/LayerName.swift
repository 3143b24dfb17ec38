internal import ConvNet

/// Names of layers as users write them.
enum LayerName {
  /// The store's name for a layer: aliases such as `decaf6` resolved, others as they are.
  static func resolved(_ text: String) -> String {
    do throws(ModelError) { return try BlobName(parsing: text).description } catch {
      return text  // the store says which layers it has
    }
  }
}
