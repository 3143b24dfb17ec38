internal import Communication
internal import FeatureStore
internal import Foundation
internal import Tensors

/// The hashes of a store's files, made by all ranks that see its folder: each takes some of the files.
struct HashSharing {
  let path: String
  let provenance: Provenance
  let communicator: any Communicator
  let team: ThreadTeam

  init(
    _ path: String, _ provenance: Provenance, _ communicator: any Communicator, _ team: ThreadTeam
  ) {
    self.path = path
    self.provenance = provenance
    self.communicator = communicator
    self.team = team
  }

  /// Rank 0's part: hands out the work and returns what all have found, by shard. Collective: all other
  /// ranks call `help()`.
  ///
  /// - Parameter work: nil where nothing is to be hashed.
  /// - Throws: `JobFailure` where a rank cannot read a file; `StoreError.stopped` where one was asked to
  ///   stop.
  func run(_ work: ShardWork?) throws -> [ShardCheck]? {
    var bytes = work?.encoded ?? []
    // One byte more than nothing, as a store without rows has no record of any.
    if work != nil { bytes.append(1) }
    try communicator.broadcast(&bytes, root: 0)
    guard let work else { return nil }
    let parts = try communicator.gather(try share(work), root: 0)
    var checks = [ShardCheck?](repeating: nil, count: work.count)
    for (indices, part) in zip(work.shares(size: communicator.size), parts) {
      let share = try JSONDecoder().decode(Share.self, from: Data(part))
      if let reason = share.stopReason { throw StoreError.stopped(path: path, reason: reason) }
      for (index, check) in zip(indices, share.checks) { checks[index] = check }
    }
    return checks.map { $0! }
  }

  /// The part of all other ranks.
  ///
  /// - Throws: `JobFailure` where a rank cannot read a file.
  func help() throws {
    var bytes: [UInt8] = []
    try communicator.broadcast(&bytes, root: 0)
    guard !bytes.isEmpty else { return }
    communicator.activity = Activity(phase: "hashing the store")
    let work = try ShardWork(
      path, provenance: provenance, decoding: Array(bytes.dropLast()),
      stopReason: { StopSignal.name })
    _ = try communicator.gather(try share(work), root: 0)
  }

  /// Hashes this rank's files.
  private func share(_ work: ShardWork) throws -> [UInt8] {
    let indices = work.shares(size: communicator.size)[communicator.rank]
    let team = team
    let found = try communicator.agree {
      do {
        return try communicator.beating {
          Share(
            checks: try team.throwingMap(indices.count) { place, _ in
              try work.check(indices[place])
            })
        }
      } catch StoreError.stopped(_, let reason) {
        return Share(checks: [], stopReason: "\(reason) on rank \(communicator.rank)")
      }
    }
    return [UInt8](try JSONEncoder().encode(found))
  }

  /// What one rank found.
  private struct Share: Codable {
    let checks: [ShardCheck]
    /// Why it did not look at all of its files.
    var stopReason: String?
  }
}
