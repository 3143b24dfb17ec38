extension NetworkDefinition {
  /// Chains layers that are known to fit: an activation and dropout work in place, others make a blob of
  /// their own name.
  ///
  /// - Precondition: they do.
  init(input: BlobShape, layers: [(name: String, kind: any LayerKind)]) {
    var bottom = "data"
    let entries = layers.map { name, kind in
      let isInPlace = kind.isActivation || kind.isIdentity
      defer { bottom = isInPlace ? bottom : name }
      return Entry(name: name, kind: kind, bottom: bottom, top: isInPlace ? bottom : name)
    }
    do { self = try NetworkDefinition(input: input, entries: entries) } catch {
      preconditionFailure("\(error)")
    }
  }
}
