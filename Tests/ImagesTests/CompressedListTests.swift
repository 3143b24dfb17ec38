import Files
import Foundation
import Images
import TestSupport
import Testing

@Suite struct CompressedListTests {
  /// “a.jpg x” and “b.jpg y” in two lines: `printf … | gzip -9n`, each line a member of its own.
  private static let lines = [
    "H4sIAAAAAAACA0vUyypIV6jgAgDEYtMvCAAAAA==", "H4sIAAAAAAACA0vSyypIV6jkAgBmVEe4CAAAAA==",
  ].map { [UInt8](Data(base64Encoded: $0)!) }

  private func withList<R>(
    _ bytes: [UInt8], name: String, _ body: (String) throws -> R
  ) throws -> R {
    try withTemporaryFolder { folder in
      let path = "\(folder)/\(name)"
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      return try body(path)
    }
  }

  @Test(arguments: ["list.txt.gz", "list.gz", "list.txt"])
  func membersAreOneText(name: String) throws {
    let text = Array("a.jpg x\nb.jpg y\n".utf8)
    let plain = try withList(text, name: "list.txt") { try ImageList(contentsOf: $0).sha256 }
    for padding in [0, 100] {
      let bytes = Self.lines.joined() + [UInt8](repeating: 0, count: padding)
      try withList(Array(bytes), name: name) { path in
        let list = try ImageList(contentsOf: path)
        #expect((0..<list.count).map { list[$0].path.description } == ["a.jpg", "b.jpg"])
        #expect(list.sha256 == plain)
        try list.requireSameText()
        try Data(Self.lines[0]).write(to: URL(fileURLWithPath: path))
        #expect(throws: InputChangedError.self) { try list.requireSameText() }
      }
    }
  }

  @Test func damageIsNamed() throws {
    var bytes = Array(Self.lines.joined())
    bytes[bytes.count - 6] ^= 1
    for damaged in [bytes, Array(bytes.prefix(20))] {
      _ = try withList(damaged, name: "list.gz") { path in
        #expect {
          try ImageList(contentsOf: path)
        } throws: { error in
          guard case .notAList(path, let found)? = error as? ImageListError else { return false }
          return found.hasPrefix("gzip-compressed data: the compressed data ")
        }
      }
    }
  }
}
