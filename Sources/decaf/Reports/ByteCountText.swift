internal import Foundation

/// Byte counts for people.
enum ByteCountText {
  /// `1.5 GB`: decimal units, as disks are sold.
  static func text(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["bytes", "kB", "MB", "GB", "TB"] {
      if value < 1000 || unit == "TB" {
        return unit == "bytes" ? "\(count) bytes" : String(format: "%.1f %@", value, unit)
      }
      value /= 1000
    }
    return "\(count) bytes"
  }
}
