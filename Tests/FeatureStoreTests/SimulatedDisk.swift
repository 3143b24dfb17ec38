import Files
import Glibc
import Synchronization
import Tensors

@testable import FeatureStore

/// What a sequence of changes leaves in a folder when the process is killed, or the power lost,
/// after any of them.
struct SimulatedDisk {
  private struct File {
    var current: [UInt8]
    var durable: [UInt8]
    /// Since the last synchronization.
    var pending: [StoreFolder.Change] = []
  }

  private var files: [File] = []
  private var names: [String: Int] = [:]
  private var durableNames: [String: Int] = [:]
  /// Since the last synchronization of names; each is kept or lost as a whole.
  private var pendingNames: [[(name: String, file: Int?)]] = []

  /// - Parameter contents: what is on the device to begin with.
  init(_ contents: [String: [UInt8]]) {
    for (name, bytes) in contents {
      names[name] = files.count
      files.append(File(current: bytes, durable: bytes))
    }
    durableNames = names
  }

  mutating func apply(_ change: StoreFolder.Change) {
    switch change {
    case .create(let name):
      if let file = names[name] {
        files[file].current = []
        files[file].pending.append(change)
      } else {
        rename([(name, files.count)])
        files.append(File(current: [], durable: []))
      }
    case .write(let name, _, _), .resize(let name, _):
      let file = names[name]!
      Self.apply(change, to: &files[file].current)
      files[file].pending.append(change)
    case .synchronize(let name):
      let file = names[name]!
      files[file].durable = files[file].current
      files[file].pending = []
    case .rename(let name, let other):
      rename([(name, nil), (other, names[name]!)])
    case .remove(let name):
      if names[name] != nil { rename([(name, nil)]) }
    case .synchronizeNames:
      durableNames = names
      pendingNames = []
    }
  }

  private mutating func rename(_ step: [(name: String, file: Int?)]) {
    for (name, file) in step { names[name] = file }
    pendingNames.append(step)
  }

  /// A killed process loses nothing that it gave to the system.
  var afterKill: [String: [UInt8]] { names.mapValues { files[$0].current } }

  /// Lost power keeps what was synchronized, and of the rest whatever `generator` says: any of the
  /// renames, any of the writes, some of them torn. File systems may do so in any order.
  func afterPowerLoss(_ generator: inout SeededGenerator) -> [String: [UInt8]] {
    let share = UInt32.random(in: 0...3, using: &generator)
    func isKept(_ generator: inout SeededGenerator) -> Bool {
      UInt32.random(in: 0..<3, using: &generator) < share
    }
    var survivors = durableNames
    for step in pendingNames where isKept(&generator) {
      for (name, file) in step { survivors[name] = file }
    }
    // By name, so that the same seed gives the same loss.
    var result = [String: [UInt8]]()
    for (name, file) in survivors.sorted(by: { $0.key < $1.key }) {
      var bytes = files[file].durable
      for change in files[file].pending where isKept(&generator) {
        if case .write(let name, let offset, let written) = change, !written.isEmpty {
          let count = Int.random(in: 1...written.count, using: &generator)
          let part = isKept(&generator) ? written : Array(written.prefix(count))
          Self.apply(.write(name, offset: offset, bytes: part), to: &bytes)
        } else {
          Self.apply(change, to: &bytes)
        }
      }
      result[name] = bytes
    }
    return result
  }

  private static func apply(_ change: StoreFolder.Change, to bytes: inout [UInt8]) {
    switch change {
    case .create: bytes = []
    case .write(_, let offset, let written):
      let missing = offset + written.count - bytes.count
      if missing > 0 { bytes += [UInt8](repeating: 0, count: missing) }
      bytes.replaceSubrange(offset..<offset + written.count, with: written)
    case .resize(_, let byteCount):
      if byteCount < bytes.count {
        bytes.removeLast(bytes.count - byteCount)
      } else {
        bytes += [UInt8](repeating: 0, count: byteCount - bytes.count)
      }
    default: break
    }
  }
}

/// Notes the changes a writer makes, and fails one of them and all after it if asked to.
final class ChangeLog: Sendable {
  private let entries = Mutex<[StoreFolder.Change]>([])
  private let limit: Int
  private let code: Int32

  /// - Parameters:
  ///   - limit: so many changes succeed.
  ///   - code: what the next ones fail with; ENOSPC leaves removing, renaming and synchronizing
  ///     possible, as a full disk does.
  init(limit: Int = .max, code: Int32 = EIO) {
    self.limit = limit
    self.code = code
  }

  var changes: [StoreFolder.Change] { entries.withLock { $0 } }

  func folder(_ path: String) -> StoreFolder {
    StoreFolder(path) { [self] change throws(SystemError) in
      if note(change) { return }
      if code == ENOSPC {
        switch change {
        case .remove, .synchronize, .synchronizeNames, .rename: return
        case .create, .write, .resize: break
        }
      }
      throw SystemError("change", path: path, code: code)
    }
  }

  /// False when the limit is reached.
  private func note(_ change: StoreFolder.Change) -> Bool {
    entries.withLock { entries in
      if entries.count >= limit { return false }
      entries.append(change)
      return true
    }
  }
}
