internal import CKernels

/// The kernels that were compiled for one instruction set: an entry of the C target's list.
///
/// A new set is a file in `CKernels/targets`, a line in its list, and a case of `KernelClass`.
struct KernelSet: @unchecked Sendable {
  // Invariant behind `@unchecked`: sets and their tables are constants of the C target.
  private let entry: UnsafePointer<decaf_kernel_set>

  /// Every set, from slow to fast, also those that this kind of processor lacks.
  static let all: [KernelSet] = {
    var sets: [KernelSet] = []
    var next = decaf_kernel_sets()!
    while let entry = next.pointee {
      sets.append(KernelSet(entry: entry))
      next += 1
    }
    return sets
  }()

  /// The AVX-512 kernels in AVX2 instructions; not in the list, since nobody wants them but tests.
  static let avx512Shape = KernelSet(entry: decaf_avx512_shape_set())

  var name: String { String(cString: entry.pointee.name) }

  /// The features without which the set's instructions are illegal.
  var requiredFeatures: ProcessorFeatures { ProcessorFeatures(rawValue: entry.pointee.required) }

  /// Nil where the set is not built for this kind of processor.
  var network: UnsafePointer<decaf_network_kernels>? { entry.pointee.network }
  var training: UnsafePointer<decaf_training_kernels>? { entry.pointee.training }
  var embedding: UnsafePointer<decaf_embedding_kernels>? { entry.pointee.embedding }
  var descriptors: UnsafePointer<decaf_descriptor_kernels>? { entry.pointee.descriptors }
}

extension KernelClass {
  private static let sets = Dictionary(uniqueKeysWithValues: KernelSet.all.map { ($0.name, $0) })

  /// The class's entry in the list.
  var set: KernelSet { Self.sets[rawValue]! }

  /// The class's entry, which this processor can run.
  var runnableSet: KernelSet {
    precondition(
      Self.supported.contains(self), "this processor cannot run \(rawValue) kernels")
    return set
  }
}
