internal import CMappings

/// Keeps a memory map readable when its file is cut short or its disk fails, and knows that it was.
///
/// Instead of the SIGBUS that ends a process, bytes that are not there any more read as zeros.
final class MappingWatch: @unchecked Sendable {
  // Invariant behind `@unchecked`: the handle never changes, and what it stands for is atomic.
  private let handle: OpaquePointer

  /// - Parameter mapping: begins at a page.
  /// - Throws: `SystemError` when there is no memory.
  init(_ mapping: UnsafeRawBufferPointer, path: String) throws(SystemError) {
    let start = UnsafeMutableRawPointer(mutating: mapping.baseAddress)
    guard let handle = decaf_mapping_watch(start, mapping.count) else {
      throw SystemError("map", path: path)
    }
    self.handle = handle
  }

  deinit { decaf_mapping_release(handle) }

  /// To be called before the map is undone.
  func end() { decaf_mapping_end(handle) }

  /// Whether bytes were read as zeros that were not there.
  var hasLostBytes: Bool { decaf_mapping_is_lost(handle) != 0 }
}
