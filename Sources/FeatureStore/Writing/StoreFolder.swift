internal import Files
internal import Tensors

/// The folder of a store being written: everything that changes the disk goes through here.
///
/// Keeping the vocabulary this small makes crash safety testable: a test's probe sees every change
/// in order, can fail it, and can rebuild what a killed process or a lost power supply leaves.
final class StoreFolder: Sendable {
  /// A change about to be made; names are relative to the folder.
  enum Change: Sendable {
    /// Make the file, or empty it.
    case create(String)
    case write(String, offset: Int, bytes: [UInt8])
    case resize(String, byteCount: Int)
    /// Make the file's contents durable.
    case synchronize(String)
    case rename(String, to: String)
    case remove(String)
    /// Make the folder's names durable.
    case synchronizeNames
  }

  typealias Probe = @Sendable (Change) throws(SystemError) -> Void

  let path: String
  private let probe: Probe?

  init(_ path: String, probe: Probe? = nil) {
    self.path = path
    self.probe = probe
  }

  func path(of name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }

  /// Makes the folder itself, durably.
  func make() throws(SystemError) { try FileSystem.makeFolder(path) }

  func names() throws(SystemError) -> [String] { try FileSystem.names(in: path) }

  /// The file's size, nil when there is none.
  func byteCount(of name: String) throws(SystemError) -> Int? {
    try FileSystem.byteCount(of: path(of: name))
  }

  /// The whole file; for small ones.
  func contents(of name: String) throws(SystemError) -> [UInt8] {
    let file = try PositionedFile(path(of: name), .read)
    return try file.read(try file.byteCount(), at: 0)
  }

  func open(_ name: String) throws(SystemError) -> PositionedFile {
    try PositionedFile(path(of: name), .update)
  }

  func create(_ name: String) throws(SystemError) -> PositionedFile {
    try probe?(.create(name))
    return try PositionedFile(path(of: name), .replace)
  }

  func write(_ bytes: [UInt8], at offset: Int, of name: String, _ file: PositionedFile)
    throws(SystemError)
  {
    try probe?(.write(name, offset: offset, bytes: bytes))
    try file.write(bytes, at: offset)
  }

  func write(_ bytes: SharedBytes, at offset: Int, of name: String, _ file: PositionedFile)
    throws(SystemError)
  {
    if let probe { try probe(.write(name, offset: offset, bytes: bytes.array)) }
    try file.write(bytes, at: offset)
  }

  func resize(_ name: String, _ file: PositionedFile, to byteCount: Int) throws(SystemError) {
    try probe?(.resize(name, byteCount: byteCount))
    try file.resize(to: byteCount)
  }

  func synchronize(_ name: String, _ file: PositionedFile) throws(SystemError) {
    try probe?(.synchronize(name))
    try file.synchronize()
  }

  func rename(_ name: String, to other: String) throws(SystemError) {
    try probe?(.rename(name, to: other))
    try FileSystem.rename(path(of: name), to: path(of: other))
  }

  /// Removes the file; one that is not there is no error.
  func remove(_ name: String) throws(SystemError) {
    try probe?(.remove(name))
    try FileSystem.removeFile(path(of: name))
  }

  func synchronizeNames() throws(SystemError) {
    try probe?(.synchronizeNames)
    try FileSystem.synchronizeFolder(path)
  }

  /// Replaces the file in one step: afterwards, and after a crash, it is the old or the new one,
  /// and durable when this returns.
  func replace(_ name: String, with bytes: [UInt8]) throws(SystemError) {
    let partial = name + StoreLayout.partial
    let file = try create(partial)
    try write(bytes, at: 0, of: partial, file)
    try synchronize(partial, file)
    try rename(partial, to: name)
    try synchronizeNames()
  }
}
