internal import COpenBLAS
package import Files
internal import Synchronization

/// The library of linear algebra: what it is, and its routines for this module.
///
/// It runs one thread, and its sums depend on the processor it finds: what is computed with it is
/// computed on rank 0 alone, and its bytes are promised for one type of processor only. Extraction
/// and training never call it.
package struct OpenBLAS: @unchecked Sendable {
  // Invariant behind `@unchecked`: the table is a constant once it is loaded, and its functions may
  // be called from several threads (OpenBLAS's “FAQ”, a library built with USE_THREAD or
  // USE_LOCKING, as Debian's is).
  let table: UnsafePointer<decaf_openblas>

  /// The library, loaded on the first call.
  ///
  /// - Throws: `LinearAlgebraError.missingLibrary`.
  package static func load() throws(LinearAlgebraError) -> OpenBLAS {
    try loading.withLock { _ throws(LinearAlgebraError) in
      var problem: UnsafePointer<CChar>?
      guard let table = decaf_load_openblas(&problem) else {
        throw .missingLibrary(problem.map { String(cString: $0) } ?? "")
      }
      return OpenBLAS(table: table)
    }
  }

  private static let loading = Mutex<Void>(())

  /// Version and build: `OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …`.
  package var build: String { String(cString: table.pointee.config()!) }

  /// The processor whose kernels it uses: `Zen`, `SkylakeX`.
  package var processor: String { String(cString: table.pointee.corename()!) }
}

/// Why linear algebra fails.
package enum LinearAlgebraError: ErrorWithStatus, Equatable, CustomStringConvertible {
  case missingLibrary(String)
  /// A routine of LAPACK ended with a code other than 0.
  case notConverged(routine: String, code: Int)

  package var description: String {
    switch self {
    case .missingLibrary(let problem): "linear algebra: \(problem)"
    case .notConverged(let routine, let code):
      "linear algebra: LAPACK's \(routine) ended with code \(code); are the values finite?"
    }
  }

  package var exitStatus: ExitStatus { .internalFailure }
}
