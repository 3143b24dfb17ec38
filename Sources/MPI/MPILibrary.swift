internal import CMPI

/// The MPI library itself: what was compiled against, and what is there now.
package enum MPILibrary {
  /// The library whose header this program was compiled with: “Open MPI 4.1.4”.
  package static var compiledWith: String { String(cString: decaf_mpi_compiled_with()) }

  /// The first line of what the library says of itself; MPI 3.1, section 8.1.1
  /// (`MPI_Get_library_version`), which may be called before MPI is initialized.
  ///
  /// - Throws: `CommunicationError.call` when the library does not tell.
  package static var version: String {
    get throws {
      var length: Int32 = 0
      var text = [CChar](repeating: 0, count: Int(MPI_MAX_LIBRARY_VERSION_STRING))
      try check("MPI_Get_library_version", rank: -1) { MPI_Get_library_version(&text, &length) }
      let bytes = text.prefix(Int(length)).map { UInt8(bitPattern: $0) }
      let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != 0 }
      return String(decoding: line, as: UTF8.self)
    }
  }
}
