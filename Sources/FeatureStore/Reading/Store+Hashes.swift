internal import Files
internal import Formats
package import Tensors

extension Store {
  /// Compares the files of rows with the manifest's hashes: what opening, which looks at sizes only,
  /// cannot notice. The table of rows was compared when the store was opened.
  ///
  /// - Parameters:
  ///   - part, count: reads every `count`-th file from `part` on, so that ranks may share the work.
  ///   - team: hashes files side by side.
  /// - Throws: `differingHash` for the first file that differs; `cannotRead`.
  package func checkHashes(
    part: Int = 0, of count: Int = 1, team: ThreadTeam
  ) throws(StoreError) {
    precondition(0..<count ~= part, "a part beyond the whole")
    let layout = StoreLayout(provenance)
    let shards = layout.shards.enumerated().filter { $0.offset % count == part }.map(\.element)
    let digests = team.map(shards.count) { index, _ in
      let (layer, shard) = shards[index]
      return Result { () throws(StoreError) in
        try reading { () throws(SystemError) in
          try MappedFile(folder.path(of: layout.name(layer: layer, shard: shard))).sha256
        }
      }
    }
    for (place, digest) in zip(shards, digests) {
      let file = manifest.layers[place.layer].shards[place.shard]
      guard try digest.get().hexadecimal == file.sha256 else {
        throw .differingHash(path: folder.path(of: file.file))
      }
    }
  }
}
