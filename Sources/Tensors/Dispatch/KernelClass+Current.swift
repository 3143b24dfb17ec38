internal import CKernels
package import Files
internal import Glibc

/// Why the kernels that were asked for cannot run.
package enum KernelError: ErrorWithStatus, Hashable, Sendable, CustomStringConvertible {
  /// `DECAF_KERNEL` is set to something that is no kernel class.
  case unknownClass(String, supported: [KernelClass])
  /// The class exists, but not for this processor.
  case unsupportedClass(KernelClass, supported: [KernelClass])

  package var description: String {
    switch self {
    case .unknownClass(let name, let supported):
      """
      DECAF_KERNEL: expected \(Self.list(supported)), found '\(name)'; \
      unset it to use the fastest
      """
    case .unsupportedClass(let kernelClass, let supported):
      """
      DECAF_KERNEL: this processor cannot run \(kernelClass.rawValue) kernels, \
      only \(Self.list(supported)); unset it to use the fastest
      """
    }
  }

  private static func list(_ classes: [KernelClass]) -> String {
    classes.map(\.rawValue).joined(separator: ", ")
  }

  package var exitStatus: ExitStatus { .usage }
}

/// What a processor and its operating system offer, as far as kernels need it.
struct ProcessorFeatures: OptionSet, Sendable {
  let rawValue: UInt32

  static let avx2 = Self(rawValue: UInt32(DECAF_FEATURE_AVX2))
  static let fma = Self(rawValue: UInt32(DECAF_FEATURE_FMA))
  static let avx512f = Self(rawValue: UInt32(DECAF_FEATURE_AVX512F))
  static let neon = Self(rawValue: UInt32(DECAF_FEATURE_NEON))

  /// Those of the processor this runs on.
  static let current = Self(rawValue: decaf_processor_features())
}

extension KernelClass {
  static func supported(by features: ProcessorFeatures) -> [KernelClass] {
    allCases.filter { features.isSuperset(of: $0.set.requiredFeatures) }
  }

  /// The class to use: what `request` (the value of `DECAF_KERNEL`) names, else the fastest.
  static func selected(
    request: String?, features: ProcessorFeatures
  ) throws(KernelError) -> KernelClass {
    let supported = supported(by: features)
    guard let request, !request.isEmpty else { return supported.last! }
    guard let kernelClass = KernelClass(rawValue: request) else {
      throw .unknownClass(request, supported: supported)
    }
    guard supported.contains(kernelClass) else {
      throw .unsupportedClass(kernelClass, supported: supported)
    }
    return kernelClass
  }

  /// The classes that this processor can run, from slow to fast; `baseline` is always one.
  package static let supported: [KernelClass] = supported(by: .current)

  /// The class that this process uses: the fastest, unless the environment variable `DECAF_KERNEL`
  /// names another (`avx512`, `avx2`, `neon`, `baseline`).
  ///
  /// - Throws: `KernelError` when the variable names no class, or one that cannot run here.
  package static var current: KernelClass {
    get throws(KernelError) {
      try selected(request: getenv("DECAF_KERNEL").map { String(cString: $0) }, features: .current)
    }
  }
}
