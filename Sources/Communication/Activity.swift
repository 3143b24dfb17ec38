/// What a rank is doing, as the others hear of it every few seconds.
package struct Activity: Equatable, Sendable {
  /// In a few words: “opening the model”.
  package var phase: String
  /// Images worked on in this phase; a number that stands still is a rank that does not get on.
  package var images: Int

  package init(phase: String, images: Int = 0) {
    self.phase = phase
    self.images = images
  }
}

/// The message by which a rank says that it lives.
package struct Beat: Equatable, Sendable {
  package let hostName: String
  package let activity: Activity

  package init(hostName: String, activity: Activity) {
    self.hostName = hostName
    self.activity = activity
  }

  /// Images as 8 little-endian bytes, then host and phase, which no zero byte is in, parted by one.
  package var encoded: [UInt8] {
    withUnsafeBytes(of: Int64(activity.images).littleEndian) { Array($0) }
      + Array(hostName.utf8) + [0] + Array(activity.phase.utf8)
  }

  /// What `encoded` made; nil for other bytes.
  package init?(decoding bytes: [UInt8]) {
    let parts = bytes.dropFirst(8).split(
      separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    guard bytes.count > 8, parts.count == 2 else { return nil }
    let images = bytes[0..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    self.init(
      hostName: String(decoding: parts[0], as: UTF8.self),
      activity: Activity(
        phase: String(decoding: parts[1], as: UTF8.self), images: Int(Int64(bitPattern: images))))
  }
}
