package import Files
package import Tensors

/// The tensors of a file that `torch.save` wrote: a ZIP archive (since PyTorch 1.6), or pickles one
/// after the other with the numbers behind them.
///
/// The pickle in it is read as a description (`PickleReader`); the numbers stay in the file.
package struct TorchFile: Sendable {
  package struct Tensor: Sendable {
    /// The keys that lead to it, joined by dots: `features.0.weight`.
    package let name: String
    package let shape: [Int]
    /// Nil for integers.
    package let floats: StoredFloats?
  }

  /// In the order of the dictionary.
  package let tensors: [Tensor]

  /// Where a storage's numbers are: bytes of the file, or, if they are compressed, of one in memory.
  typealias Place = (file: MappedFile, range: Range<Int>)

  /// A ZIP archive as PyTorch writes it.
  package static func isArchive(_ file: MappedFile) -> Bool {
    // The name of the first member, which follows the header of 30 bytes, is FOLDER/data.pkl.
    let start = file.bytes(0..<min(file.byteCount, 30 + 512))
    guard start.count > 30, start.starts(with: [0x50, 0x4b, 3, 4]) else { return false }
    let length = Int(start[26]) + Int(start[27]) << 8
    if isDescription(String(decoding: start[30...].prefix(length), as: UTF8.self)) { return true }
    // Archives that were packed anew, and programs, have it elsewhere.
    let members = try? ZIPArchive(file).members
    return members?.contains { isDescription($0.name) } ?? false
  }

  private static func isDescription(_ name: String) -> Bool {
    name == "data.pkl" || name.hasSuffix("/data.pkl")
  }

  /// The pickled number that older files begin with.
  static let legacyMagic: [UInt8] = [
    0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e,
  ]

  package static func isLegacy(_ file: MappedFile) -> Bool {
    file.bytes(0..<min(file.byteCount, legacyMagic.count)) == legacyMagic
  }

  /// - Throws: `FormatError.unsupported` for what is no dictionary of tensors, with the name of what
  ///   else is in it; `damaged`.
  package init(_ file: MappedFile) throws(FormatError) {
    tensors =
      Self.isLegacy(file) ? try Self.legacyTensors(file) : try Self.archivedTensors(file)
  }

  private static func archivedTensors(_ file: MappedFile) throws(FormatError) -> [Tensor] {
    let archive = try ZIPArchive(file)
    guard let description = archive.members.first(where: { isDescription($0.name) }) else {
      throw .unsupported(
        path: file.path, found: "a zip archive without data.pkl",
        advice: "expected what torch.save(model.state_dict(), FILE) writes")
    }
    let folder = description.name.dropLast("data.pkl".count)
    func member(_ name: String) -> ZIPArchive.Member? {
      archive.members.first { $0.name == folder + name }
    }
    guard member("constants.pkl") == nil else {
      throw .unsupported(
        path: file.path, found: "a TorchScript program",
        advice: "save its tensors: torch.save(torch.jit.load(FILE).state_dict(), NEW)")
    }
    if let order = member("byteorder") {
      let bytes = try archive.contents(order)
      guard bytes.bytes(0..<min(bytes.count, 6)) == Array("little".utf8) else {
        throw .unsupported(
          path: file.path, found: "numbers in big-endian order",
          advice: "save them on a little-endian machine")
      }
    }
    let pickle = try PickleReader.read(
      try archive.contents(description), allowed: TorchPickle.allowed, path: file.path)
    let described = TorchPickle(pickle, path: file.path)
    return try described.tensors { keys throws(FormatError) in
      let keys = keys.sorted()
      var members: [ZIPArchive.Member] = []
      for key in keys {
        guard let member = member("data/" + key) else {
          throw .damaged(path: file.path, problem: "the numbers \(folder)data/\(key) are missing")
        }
        members.append(member)
      }
      return Dictionary(uniqueKeysWithValues: zip(keys, try archive.mapped(members)))
    }
  }

  /// Magic number, version and system, the object, the storages' keys: a pickle each; then of each
  /// storage a count of 8 bytes and its numbers.
  private static func legacyTensors(_ file: MappedFile) throws(FormatError) -> [Tensor] {
    let source = ByteSource(file)
    var position = 0
    var pickles: [Pickle] = []
    for _ in 0..<5 {
      pickles.append(
        try PickleReader.read(
          source, from: position, allowed: TorchPickle.allowed, path: file.path))
      position = pickles.last!.end
    }
    let described = TorchPickle(pickles[3], path: file.path)
    let elements = try described.storageElements()
    var found: [String: Range<Int>] = [:]
    for key in pickles[4].elements(pickles[4].root) ?? [] {
      guard let key = pickles[4].text(key), let element = elements[key],
        file.byteCount - position >= 8
      else { throw .damaged(path: file.path, problem: "its list of numbers is cut short") }
      let count = source.integer(at: position, byteCount: 8)
      position += 8
      guard count >= 0, count <= (file.byteCount - position) / element.byteCount else {
        throw .damaged(
          path: file.path, problem: "it ends within the \(count) numbers of storage \(key)")
      }
      found[key] = position..<position + count * element.byteCount
      position += count * element.byteCount
    }
    return try described.tensors { _ in found.mapValues { (file, $0) } }
  }
}
