package import Files
internal import Tensors

extension StoreWriter {
  /// Makes the store of a job, or continues the one there is.
  ///
  /// - A complete store of the same job: nothing to do (`isComplete`), unless `retryFailed` is set
  ///   and it has failed rows, which become unfinished.
  /// - An incomplete one of the same job is continued, with `overwrite` too: the command line that
  ///   was interrupted must continue, not start over.
  /// - Any other store, and with `overwrite` a complete one of the same job, is removed with
  ///   `overwrite`, file by file: what is not the store's stays.
  ///
  /// - Parameter classes: the list's classes in class order.
  /// - Throws: `otherJob`, `locked`, `folderInUse`, `unusableJob`, `damaged`,
  ///   `unsupportedVersion`, `invalidClass`, `cannotRead`, `cannotWrite`.
  package static func open(
    _ path: String, provenance: Provenance, classes: [ByteString], overwrite: Bool = false,
    retryFailed: Bool = false
  ) throws(StoreError) -> StoreWriter {
    try open(
      StoreFolder(path), provenance: provenance, classes: classes, overwrite: overwrite,
      retryFailed: retryFailed)
  }

  static func open(
    _ folder: StoreFolder, provenance: Provenance, classes: [ByteString], overwrite: Bool = false,
    retryFailed: Bool = false
  ) throws(StoreError) -> StoreWriter {
    let opening = StoreOpening(
      folder: folder, provenance: provenance, classes: try StoreManifest.names(of: classes),
      overwrite: overwrite, retryFailed: retryFailed)
    return try opening.run()
  }
}
