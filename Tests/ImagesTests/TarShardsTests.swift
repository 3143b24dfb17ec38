import Files
import Foundation
import TestSupport
import Testing

@testable import Images

@Suite struct TarShardsTests {
  private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

  private func withShards<R>(
    _ shards: [String: [UInt8]], _ body: (String) throws -> R
  ) throws -> R {
    try withTemporaryFolder { folder in
      for (name, bytes) in shards {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      return try body(folder)
    }
  }

  private static let first = tarBytes([
    ("./a/0.jpg", text("first")), ("./a/0.cls", text("7\n")),
    ("a/1.json", text(#"{"label": "cat", "x": 1, "y": 2, "width": 3, "height": 4}"#)),
    ("a/1.left.PNG", text("second")), ("a/1.right.png", text("third")),
    ("a/._1.png", text("not one")), ("a/2.txt", text("no image")),
  ])
  private static let second = tarBytes([("b.webp", text("")), ("b.txt", text(" a dog "))])

  @Test func membersAreEntriesInOrder() throws {
    try withShards(["s-00.tar": Self.first, "s-01.tar": Self.second]) { folder in
      let list = try ImageList(contentsOf: "\(folder)/s-{00..01}.tar")
      let entries = (0..<list.count).map { list[$0] }
      #expect(
        entries.map(\.path.description) == [
          "s-00.tar/a/0.jpg", "s-00.tar/a/1.left.PNG", "s-00.tar/a/1.right.png", "s-01.tar/b.webp",
        ])
      #expect(entries.map(\.label?.description) == ["7", "cat", "cat", "a dog"])
      let box = Box(x: 1, y: 2, width: 3, height: 4)
      #expect(entries.map(\.box) == [nil, box, box, nil])
      let files = try entries.map { try ImageFile.read(list.location(of: $0)) }
      #expect(files == ["first", "second", "third", ""].map(Self.text))
      try list.requireSameText()
      #expect(list.root == ByteString(folder))

      // A shard that was cut short, or is another, is noticed; its images fail, others do not.
      try Data(Self.first.prefix(700)).write(to: URL(fileURLWithPath: "\(folder)/s-00.tar"))
      #expect(throws: InputChangedError.self) { try list.requireUnchanged() }
      #expect(
        throws: ImageError.truncated(reason: "the archive ends after 700 bytes, before the image")
      ) { try ImageFile.read(list.location(of: entries[1])) }
      #expect(try ImageFile.read(list.location(of: entries[3])) == [])
    }
  }

  @Test func longNamesAreRead() throws {
    let long = String(repeating: "folder/", count: 40) + "x.jpg"
    func padded(_ text: String) -> [UInt8] {
      Array(text.utf8) + [UInt8](repeating: 0, count: 512 - text.utf8.count % 512)
    }
    let record = "\(long.utf8.count + 10) path=\(long)\n"
    let file = tarHeader("short", size: 3) + padded("abc")
    for archive in [
      tarHeader("././@LongLink", size: long.utf8.count + 1, kind: "L") + padded(long) + file,
      tarHeader("pax", size: record.utf8.count, kind: "x") + padded(record) + file,
    ] {
      try withShards(["x.tar": archive]) { folder in
        let list = try ImageList(contentsOf: "\(folder)/x.tar")
        #expect(list[0].path == ByteString("x.tar/\(long)"))
        #expect(try ImageFile.read(list.location(of: list[0])) == Self.text("abc"))
      }
    }
  }

  /// Names are texts: whatever they say, the bytes come from the archive.
  @Test func namesNeverLeaveTheArchive() throws {
    let names = ["/etc/passwd.jpg", "../../x.jpg", "a/../../../y.jpg"]
    try withShards(["x.tar": tarBytes(names.map { ($0, Self.text($0)) })]) { folder in
      let list = try ImageList(contentsOf: "\(folder)/x.tar")
      for (row, name) in names.enumerated() {
        #expect(list[row].path == ByteString("x.tar/\(name)"))
        #expect(list.location(of: list[row]).bytes.starts(with: Array("\(folder)/x.tar\0".utf8)))
        #expect(try ImageFile.read(list.location(of: list[row])) == Self.text(name))
      }
    }
  }

  @Test func whatIsWrongIsSaid() throws {
    var damaged = Self.first
    damaged[512 * 2] ^= 1
    try withShards([
      "damaged.tar": damaged, "short.tar": Array(Self.first.prefix(1100)), "text.tar": [1, 2],
      "none.tar": tarBytes([("a.txt", Self.text("b"))]),
      "line.tar": tarBytes([("a.jpg", []), ("a.cls", Self.text("b\nc"))]),
      "json.tar": tarBytes([("a.jpg", []), ("a.json", Self.text("{"))]),
      "sparse.tar": tarHeader("a.jpg", size: 0, kind: "S"),
    ]) { folder in
      for (name, words) in [
        ("damaged", "no tar header at byte 1024: its checksum is wrong"),
        ("short", "ends early: at byte 1100, in a header"), ("text", "no tar archive"),
        ("none", "no image"), ("line", "sample “a”: a tab, a line break"),
        ("json", "sample “a”: its .json: it is not JSON"), ("sparse", "with holes"),
        ("missing", "cannot open"), ("{1..}", "the range “1..”"), ("{1", "not closed"),
        ("{1..999999999}", "the range"),
      ] {
        #expect {
          try ImageList(contentsOf: "\(folder)/\(name).tar")
        } throws: { error in
          if "\(error)".contains(words) { return error is ImageListError }
          Issue.record("\(name): \(error)")
          return false
        }
      }
    }
  }

  @Test(arguments: [
    ("a-{08..11}.tar", ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]),
    ("{1..2}{a,b}.tar", ["1a.tar", "1b.tar", "2a.tar", "2b.tar"]), ("x.tar", ["x.tar"]),
    ("{9..10}.tar", ["9.tar", "10.tar"]),
  ])
  func patternsExpandAsInShells(pattern: String, paths: [String]) throws {
    #expect(try ShardPattern.paths(pattern) == paths)
  }
}
