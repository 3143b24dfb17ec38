internal import Foundation

/// Numbers as a page has them.
enum ReportText {
  static func percent(_ part: Int, of all: Int) -> String {
    all == 0 ? "–" : percent(100 * Double(part) / Double(all))
  }

  static func percent(_ value: Double) -> String { String(format: "%.1f %%", value) }

  static func fixed(_ value: Double, _ decimals: Int = 1) -> String {
    String(format: "%.\(decimals)f", value)
  }

  /// In four digits.
  static func significant(_ value: Double) -> String { String(format: "%.4g", value) }

  /// `1 image`, `2 images`.
  static func count(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }
}
