internal import ArgumentParser

/// The bounds of `--threads`.
enum ThreadCount {
  /// More than any machine has; each one takes a stack and a descriptor.
  static let most = 1024

  /// - Throws: `ValidationError` for a number that no team can have.
  static func check(_ threads: Int?) throws {
    guard let threads, !(1...most ~= threads) else { return }
    throw ValidationError("--threads \(threads): expected 1…\(most).")
  }
}
