package import Files
internal import Tensors

/// What the factors of a network's products are; sums are float. Part of a store's identity.
package enum Precision: String, Sendable, Codable, CaseIterable {
  /// float32, or the same accuracy.
  case fp32
  /// Inputs and weights of convolutions rounded to bfloat16, but for the first one's; those of inner
  /// products split into two such numbers.
  case bf16

  /// What a line about a network adds to its name: nothing for the usual precision.
  package var remark: String { self == .fp32 ? "" : " in \(rawValue)" }

  /// The kernels that the precision needs besides those that all do; nil for none.
  ///
  /// - Throws: `PrecisionError` where they cannot run.
  func bfloat16Kernels() throws(PrecisionError) -> BFloat16Kernels? {
    guard self == .bf16 else { return nil }
    guard let native = BFloat16Kernels.native else { throw .unavailable }
    return native
  }

  /// - Throws: `PrecisionError` where this processor does not offer it.
  package func requireAvailable() throws(PrecisionError) { _ = try bfloat16Kernels() }
}

/// Why a network cannot be computed in the precision that was asked for.
package enum PrecisionError: ErrorWithStatus, Hashable, Sendable, CustomStringConvertible {
  /// bfloat16 on a processor that does not multiply it faster than float.
  case unavailable

  package var description: String {
    """
    --precision bf16: expected a processor with AMX (Intel Xeon from Sapphire Rapids on) under Linux \
    5.16 or newer, found none; use --precision fp32
    """
  }

  package var exitStatus: ExitStatus { .usage }
}
