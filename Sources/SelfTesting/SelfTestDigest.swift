package import Files

/// What a part of the program gave, and the kernels it was computed with.
package struct SelfTestDigest: Codable, Hashable, Sendable {
  /// `decoder`, `transform`, `engine`, `trainer`, `store` or `ranks`, and of which thing: `decoder jpeg`.
  package let part: String
  /// A kernel class, or `any` where none takes part.
  package let kernels: String
  /// SHA-256 of the numbers, in hexadecimal.
  package let sha256: String

  init(_ part: String, kernels: String = "any", _ hasher: SHA256Digest.Hasher) {
    self.part = part
    self.kernels = kernels
    sha256 = hasher.finalize().hexadecimal
  }

  fileprivate init(part: String, kernels: String, sha256: String) {
    self.part = part
    self.kernels = kernels
    self.sha256 = sha256
  }
}

/// The digests that every installation is to give.
package struct StoredDigests: Sendable {
  private var digests: [String: String] = [:]

  /// - Parameter text: `part|kernels|sha256` a line, as `line(of:)` writes it; lines that start with `#` do
  ///   not count.
  /// - Throws: `ProblemError` for anything else.
  package init(_ text: String) throws(ProblemError) {
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      if line.isEmpty || line.hasPrefix("#") { continue }
      let fields = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      guard fields.count == 3, fields[2].count == 64 else {
        throw ProblemError("line \(number + 1): expected part|kernels|SHA-256, found “\(line)”")
      }
      digests[fields[0] + "|" + fields[1]] = fields[2]
    }
  }

  package static func line(of digest: SelfTestDigest) -> String {
    "\(digest.part)|\(digest.kernels)|\(digest.sha256)"
  }

  /// What the part is to give with these kernels; nil where nobody has noted it.
  ///
  /// NEON's kernels give the bits of AVX2's (`Scripts/check-neon`).
  package subscript(part: String, kernels: String) -> String? {
    digests["\(part)|\(kernels)"] ?? (kernels == "neon" ? digests["\(part)|avx2"] : nil)
  }
}
