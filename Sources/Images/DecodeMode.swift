/// How closely decoded pixels follow the file; part of a store's identity.
package enum DecodeMode: String, Codable, Sendable, CaseIterable {
  /// Full size, the accurate integer transform, smooth chroma upsampling.
  case exact
}
