internal import ArgumentParser

/// The numbers that options take, and what those say that are refused.
enum OptionRange {
  /// More threads than any machine has; each one takes a stack and a descriptor.
  static let threads = 1...1024
  /// Rows and batches, so that no arithmetic on them overflows.
  static let rows = 1...1_000_000_000

  /// - Throws: `ValidationError` for a value outside: `--threads 0: expected 1…1024.`
  static func check(_ name: String, _ value: Int?, in range: ClosedRange<Int>) throws {
    if let value, !range.contains(value) {
      throw ValidationError(
        "\(name) \(value): expected \(range.lowerBound)…\(range.upperBound).")
    }
  }

  /// - Throws: `ValidationError` for a value below `least`: `--batch 0: expected 1 or more.`
  static func check(_ name: String, _ value: Int?, atLeast least: Int) throws {
    if let value, value < least {
      throw ValidationError("\(name) \(value): expected \(least) or more.")
    }
  }

  /// - Throws: `ValidationError` for a value below 0, and for NaN.
  static func checkNotNegative(_ name: String, _ value: Double?) throws {
    if let value, !(value >= 0) {
      throw ValidationError("\(name) \(value): expected 0 or more.")
    }
  }

  /// - Throws: `ValidationError` for 0, a value below it, and NaN.
  static func checkPositive(_ name: String, _ value: Double?) throws {
    if let value, !(value > 0) {
      throw ValidationError("\(name) \(value): expected more than 0.")
    }
  }
}
