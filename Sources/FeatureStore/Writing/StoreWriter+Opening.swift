package import Files
internal import Tensors

/// Where the relative paths of a job's list start from.
package struct ImageRoot: Equatable, Sendable {
  /// Absolute, without symbolic links.
  package let path: String
  /// The images are those that the store was begun with, wherever they were then.
  package let isMoved: Bool

  package init(path: String, isMoved: Bool = false) {
    self.path = path
    self.isMoved = isMoved
  }
}

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
  /// - Parameters:
  ///   - classes: the list's classes in class order.
  ///   - root: compared with that of the store, in which it is recorded; nil when no path is relative.
  /// - Throws: `otherJob`, `otherRoot`, `locked`, `folderInUse`, `unusableJob`, `damaged`,
  ///   `unsupportedVersion`, `invalidClass`, `cannotRead`, `cannotWrite`.
  package static func open(
    _ path: String, provenance: Provenance, classes: [ByteString], overwrite: Bool = false,
    retryFailed: Bool = false, root: ImageRoot? = nil
  ) throws(StoreError) -> StoreWriter {
    try open(
      StoreFolder(path), provenance: provenance, classes: classes, overwrite: overwrite,
      retryFailed: retryFailed, root: root)
  }

  /// Takes the lock of a job's store, and changes nothing else yet: for whoever has to know first whether
  /// other hosts see the same folder. The parameters are those of `open`.
  ///
  /// - Parameter stopReason: asked while the store's files are read through, at the beginning or at the
  ///   end of the job; where it gives one, the reading ends with the error `stopped`.
  /// - Throws: `otherJob`, `otherRoot`, `locked`, `folderInUse`, `damaged`, `unsupportedVersion`,
  ///   `invalidClass`, `cannotRead`, `cannotWrite`.
  package static func reserve(
    _ path: String, provenance: Provenance, classes: [ByteString], overwrite: Bool = false,
    retryFailed: Bool = false, root: ImageRoot? = nil,
    stopReason: @escaping @Sendable () -> String? = { nil }
  ) throws(StoreError) -> StoreReservation.Outcome {
    try StoreOpening(
      folder: StoreFolder(path), provenance: provenance,
      classes: try StoreManifest.names(of: classes), overwrite: overwrite,
      retryFailed: retryFailed, root: root, stopReason: stopReason
    ).reserve()
  }

  static func open(
    _ folder: StoreFolder, provenance: Provenance, classes: [ByteString], overwrite: Bool = false,
    retryFailed: Bool = false, root: ImageRoot? = nil,
    stopReason: @escaping @Sendable () -> String? = { nil }
  ) throws(StoreError) -> StoreWriter {
    let opening = StoreOpening(
      folder: folder, provenance: provenance, classes: try StoreManifest.names(of: classes),
      overwrite: overwrite, retryFailed: retryFailed, root: root, stopReason: stopReason)
    return try opening.run()
  }
}
