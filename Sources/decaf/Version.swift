internal import LinearAlgebra
internal import MPI
internal import Tensors

/// What this program is: its number, what it was built from, and what it runs on.
enum Version {
  static let number = "0.1.0"

  /// What decides bytes and speed beside the number, name and value: for `--version` and
  /// for the records of a store's runs.
  ///
  /// A library that computes or communicates gets its line here.
  static var facts: [(name: String, value: String)] {
    [
      ("commit", BuildFacts.commit ?? "unknown to git"),
      ("compiler", BuildFacts.compiler ?? "unknown"),
      ("MPI", mpi),
      ("BLAS", blas),
      ("kernels", kernels),
    ]
  }

  /// The number, and the facts a line each.
  static var text: String {
    let width = facts.map(\.name.count).max() ?? 0
    let lines = facts.map { fact in
      fact.name + String(repeating: " ", count: width - fact.name.count) + "  " + fact.value
    }
    return (["decaf \(number)"] + lines).joined(separator: "\n")
  }

  /// Name, number and commit: what has to be the same on all ranks.
  static var program: String {
    "decaf \(number)" + (BuildFacts.commit.map { " (commit \($0.prefix(12)))" } ?? "")
  }

  /// The name of the kernel class in use, or “none” where the one that was asked for is not there.
  static var kernelClass: String { (try? KernelClass.current.rawValue) ?? "none" }

  /// Name and number of the MPI library that is loaded.
  static var mpiName: String {
    let loaded = (try? MPILibrary.version) ?? "an unknown MPI library"
    return String(loaded.prefix { $0 != "," })
  }

  /// The library that is loaded, and the one compiled with.
  private static var mpi: String {
    let loaded = (try? MPILibrary.version) ?? "unknown"
    return "\(loaded); compiled with \(MPILibrary.compiledWith)"
  }

  /// The library of linear algebra, and the processor whose kernels it chose.
  private static var blas: String {
    do {
      let library = try OpenBLAS.load()
      return "\(library.build); \(library.processor) kernels, one thread"
    } catch { return "none, \(error)" }
  }

  /// The instruction set in use, and those that this processor has.
  private static var kernels: String {
    let supported = KernelClass.supported.map(\.rawValue).joined(separator: ", ")
    let used: String
    do { used = try KernelClass.current.rawValue } catch { used = "none, \(error)" }
    let tiles = BFloat16Kernels.native == nil ? "no bfloat16 tiles" : "bfloat16 tiles"
    return "\(used); this processor runs \(supported) and has \(tiles)"
  }
}
