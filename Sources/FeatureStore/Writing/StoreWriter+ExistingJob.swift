extension StoreWriter {
  /// The identity of the job whose store lies at `path`, complete or not; nil when there is none that
  /// can be read. Takes no lock: `open` looks again.
  package static func existingJob(_ path: String) -> Provenance? {
    let folder = StoreFolder(path)
    if let manifest = try? StoreManifest.read(folder) { return manifest.provenance }
    return try? Journal.job(folder)
  }
}
