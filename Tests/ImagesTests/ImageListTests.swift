import Files
import Foundation
import Images
import TestSupport
import Testing

@Suite struct ImageListTests {
  /// Reads `text` as a list in a file called `name`.
  private func list(_ text: String, name: String = "list.txt") throws -> ImageList {
    try list(Array(text.utf8), name: name)
  }

  private func list(_ bytes: [UInt8], name: String = "list.txt") throws -> ImageList {
    try withTemporaryFolder { folder in
      let path = "\(folder)/\(name)"
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      return try ImageList(contentsOf: path)
    }
  }

  private func expectProblem(
    _ problem: ImageListError.Problem, line: Int, in bytes: [UInt8], name: String = "list.tsv",
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(sourceLocation: sourceLocation) {
      try list(bytes, name: name)
    } throws: { error in
      guard case .malformed(_, let found, let what)? = error as? ImageListError else {
        return false
      }
      return found == line && what == problem
    }
  }

  private func entries(_ list: ImageList) -> [[String?]] {
    (0..<list.count).map { [list[$0].path.description, list[$0].label?.description] }
  }

  /// Entries of a list that changes may be anything, but reading them is safe, and it is noticed.
  @Test(arguments: ["list.txt", "list.csv"]) func aListThatIsCutShortIsNoticed(name: String)
    throws
  {
    try withTemporaryFolder { folder in
      let path = "\(folder)/\(name)"
      let lines = ["path,label"] + (0..<10_000).map { "\"images/\($0).jpg\",\($0 % 7)" }
      try Data(lines.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: path))
      let list = try ImageList(contentsOf: path)
      try list.requireUnchanged()
      try list.requireSameText()
      truncate(path, 5000)
      for row in 0..<list.count { _ = list[row] }
      #expect(list[9_999].path.bytes.count < 30)
      #expect(throws: InputChangedError.self) { try list.requireUnchanged() }
      #expect(throws: InputChangedError.self) { try list.requireSameText() }
    }
  }

  /// Other words in a file of the same size and time: only its hash tells.
  @Test func aListOfAnotherTextIsNoticed() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/list.txt"
      try Data("a.jpg cat\nb.jpg dog\n".utf8).write(to: URL(fileURLWithPath: path))
      var times = stat()
      stat(path, &times)
      let list = try ImageList(contentsOf: path)
      let handle = try #require(FileHandle(forWritingAtPath: path))
      try handle.write(contentsOf: Data("a.jpg dog".utf8))
      try handle.close()
      #expect(throws: InputChangedError.self) { try list.requireUnchanged() }
      utimensat(AT_FDCWD, path, [times.st_atim, times.st_mtim], 0)
      try list.requireUnchanged()
      let error = #expect(throws: InputChangedError.self) { try list.requireSameText() }
      #expect(error?.path == path && error?.change == "its SHA-256 is another")
    }
  }

  /// The folder that relative paths start from, however it is spelled; nothing to absolute ones.
  @Test func rootsAreAbsolute() throws {
    try withTemporaryFolder { folder in
      let folder = FileSystem.absolute(folder)
      func list(_ text: String, _ name: String, root: String? = nil) throws -> String? {
        let path = "\(folder)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return try ImageList(contentsOf: path, root: root).absoluteRoot
      }
      #expect(try list("/x/a.jpg\nb.jpg", "a.txt") == folder)
      #expect(try list("/x/a.jpg\n/b.jpg", "a.txt") == nil)
      #expect(try list("path,label\n\"/x/a,b.jpg\",c\n", "a.csv") == nil)
      #expect(try list("path,label\n\"x/a,b.jpg\",c\n", "a.csv") == folder)
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/link", withDestinationPath: folder)
      #expect(
        try list("a.jpg", "a.txt", root: "\(folder)/link/../\(FileSystem.name(of: folder))/")
          == folder)
      #expect(try list("a.jpg", "a.txt", root: "\(folder)/none") == "\(folder)/none")
      #expect(try list("a.jpg", "a.txt", root: "none/at/all")?.hasPrefix("/") ?? false)
    }
  }

  @Test func linesHoldPathAndLabel() throws {
    let list = try list(
      """
      # a comment
      a.jpg cat

      dir with space/b.JPG\t dog\u{20}
      my photo.jpg
      c d.jpg sea lion
         \t
      plain
      img7 3
      """)
    #expect(
      entries(list) == [
        ["a.jpg", "cat"], ["dir with space/b.JPG", "dog"], ["my photo.jpg", nil],
        ["c d.jpg sea", "lion"], ["plain", nil], ["img7", "3"],
      ])
    #expect(list.classes == ["3", "cat", "dog", "lion"].map { ByteString($0) })
    #expect(list.labelledCount == 4)
    #expect(list.hasLabels)
  }

  @Test(arguments: [
    "a.jpg 1\r\nb.jpg 2\r\n", "\u{FEFF}a.jpg 1\nb.jpg 2", "a.jpg 1\n\n\nb.jpg 2\n\n",
  ])
  func lineEndingsAndByteOrderMarkDoNotMatter(text: String) throws {
    let list = try list(text)
    #expect(entries(list) == [["a.jpg", "1"], ["b.jpg", "2"]])
    #expect(list.sha256 == SHA256Digest(of: Array(text.utf8)))
  }

  @Test func tableColumnsMayComeInAnyOrder() throws {
    let list = try list(
      "label\tsplit\tpath\r\nsea lion\ttrain\tmy photo.jpg\r\n\t\tb.jpg\r\n# no\r\nx\ty\t\"q\".jpg\n",
      name: "list.tsv")
    #expect(
      entries(list) == [["my photo.jpg", "sea lion"], ["b.jpg", nil], ["\"q\".jpg", "x"]])
  }

  @Test func commaSeparatedFieldsMayBeQuoted() throws {
    let list = try list(
      "path,label\n\"a, \"\"b\"\".jpg\",\"two\nlines\"\r\nplain.jpg,\"\"\n\"c.jpg\"\n",
      name: "list.CSV")
    #expect(
      entries(list) == [["a, \"b\".jpg", "two\nlines"], ["plain.jpg", nil], ["c.jpg", nil]])
    #expect(list.labelledCount == 1)
  }

  @Test func boxesAreRoundedOutwardAndBadOnesAreDefects() throws {
    let list = try list(
      """
      path\tx\ty\twidth\theight
      a\t1\t2\t30\t40
      b\t1.5\t-2.5\t3.25\t4
      c\t\t\t\t
      d\t1\t2\t0\t4
      e\t1\t2\tthree\t4
      f\t1\t2
      g\t1\t2\t1e300\t4
      """, name: "list.tsv")
    #expect(list[0].box == Box(x: 1, y: 2, width: 30, height: 40))
    #expect(list[1].box == Box(x: 1, y: -3, width: 4, height: 5))
    #expect(list[2].box == nil && list[2].defect == nil)
    #expect(list[3].defect == "empty box: 0×4 at (1, 2)")
    #expect(list[4].defect == "invalid box: “1 2 three 4”, expected four numbers of pixels")
    #expect(list[5].defect == "invalid box: “1 2  ”, expected four numbers of pixels")
    #expect(list[6].defect == "invalid box: “1 2 1e300 4”, expected four numbers of pixels")
    #expect(list[0].defect == nil && !list.hasLabels)
  }

  @Test func pathsAreBytes() throws {
    let list = try list([0x61, 0xFF, 0x2E, 0x6A, 0x70, 0x67, 0x0A] + Array("e\u{301}.jpg\n".utf8))
    #expect(list[0].path.bytes == [0x61, 0xFF, 0x2E, 0x6A, 0x70, 0x67])
    #expect(list[1].path != ByteString("\u{E9}.jpg"))
  }

  @Test func problemsNameTheLine() {
    func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    expectProblem(
      .missingColumn(found: [ByteString("a.jpg"), ByteString("cat")]), line: 2,
      in: bytes("# x\na.jpg\tcat\n"))
    expectProblem(
      .misspelledColumn(ByteString("Labels"), expected: "label"), line: 1,
      in: bytes("path\tLabels\n"))
    expectProblem(.repeatedColumn("path"), line: 1, in: bytes("path\tpath\n"))
    expectProblem(.incompleteBox(found: ["x", "height"]), line: 1, in: bytes("height\tpath\tx\n"))
    expectProblem(
      .tooManyFields(found: 3, expected: 2), line: 3, in: bytes("path\tlabel\na\tb\na\tb\tc\n"))
    expectProblem(.missingPath, line: 3, in: bytes("path\tlabel\r\n\r\n\tcat\r\n"))
    expectProblem(
      .invalidLabel(ByteString([0xE9])), line: 2, in: bytes("path\tlabel\na\t") + [0xE9])
    expectProblem(
      .invalidLabel(ByteString([0xE9])), line: 1, in: bytes("a ") + [0xE9],
      name: "list.txt")
    expectProblem(
      .unterminatedQuote, line: 4, in: bytes("path,label\n\"a\nb\",c\n\"d,e\nf,g\n"),
      name: "list.csv")
  }

  @Test(
    arguments: [
      ("list.txt", [0x1F, 0x8B, 8, 0], "gzip-compressed data: the compressed data end early"),
      ("list.txt", [0xFF, 0xD8, 0xFF, 0xE0, 0, 16], "JPEG"),
      ("list.txt", [0x61, 0, 0x62, 0], "binary data"),
      ("list.txt", [0xFF, 0xFE, 0x61, 0], "UTF-16 text"),
      ("list.json", Array("{}\n".utf8), "JSON; a list is .jsonl, an object a line"),
      ("list.tsv", Array("<!doctype html>".utf8), "HTML or XML, perhaps a server's error page"),
    ] as [(String, [UInt8], String)])
  func otherFilesAreNamed(name: String, bytes: [UInt8], found: String) {
    #expect {
      try list(bytes, name: name)
    } throws: { error in
      guard case .notAList(_, let what)? = error as? ImageListError else { return false }
      return what == found
    }
  }

  /// Whose name and bytes are an image's; a name alone is not enough.
  @Test func imageIsAListOfOne() throws {
    let bytes: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0, 16]
    for name in ["a photo.jpg", "#1.JPG", "x,y.jpeg"] {
      try withTemporaryFolder { folder in
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        let list = try ImageList(contentsOf: "\(folder)/\(name)")
        #expect(list.count == 1 && list[0].label == nil && list[0].box == nil)
        #expect(list[0].path.description == (name.hasPrefix("#") ? "./" : "") + name)
        let location = list.location(of: list[0]).description
        #expect(FileManager.default.contents(atPath: location) == Data(bytes))
      }
    }
    #expect(try entries(list("BMW/1.jpg a\n", name: "list.bmp")) == [["BMW/1.jpg", "a"]])
  }

  @Test(arguments: ["", "\n\n", "# only\n", "\u{FEFF}"])
  func listWithoutImagesIsAnError(text: String) {
    #expect {
      try list(text)
    } throws: { error in
      if case .empty(_, isFolder: false)? = error as? ImageListError { true } else { false }
    }
  }

  @Test func missingListIsAnError() {
    #expect(
      throws: ImageListError.unreadable(SystemError("open", path: "/no/such/list", code: 2))
    ) { try ImageList(contentsOf: "/no/such/list") }
  }

  @Test func relativePathsStartFromTheRoot() throws {
    try withTemporaryFolder { folder in
      let path = "\(folder)/list.txt"
      try Data("a.jpg\n/b.jpg\n".utf8).write(to: URL(fileURLWithPath: path))
      let list = try ImageList(contentsOf: path)
      #expect(list.location(of: list[0]) == ByteString("\(folder)/a.jpg"))
      #expect(list.location(of: list[1]) == ByteString("/b.jpg"))
      let moved = try ImageList(contentsOf: path, root: "images")
      #expect(moved.location(of: moved[0]) == ByteString("images/a.jpg"))
      #expect(moved.sha256 == list.sha256)
    }
  }

  @Test(arguments: ["list.csv", "list.tsv", "list.txt"])
  func spacesAroundLabelsAreNoneOfThem(name: String) throws {
    let separator = name == "list.csv" ? "," : "\t"
    let header = name == "list.txt" ? "" : "path,label\n"
    let text = header + "a.jpg,cat\nb.jpg, cat\nc.jpg,cat \nd.jpg,Cat\ne.jpg, \n"
    let list = try list(text.replacing(",", with: separator), name: name)
    #expect(list.classes == ["Cat", "cat"] && list.labelledCount == 4)
    #expect((0..<5).map { list[$0].label } == ["cat", "cat", "cat", "Cat", nil])
  }

  @Test func quotedLabelsAreTrimmedToo() throws {
    let list = try list("path,label\na.jpg,\" cat \"\nb.jpg,\"  \"\n", name: "list.csv")
    #expect(list.classes == ["cat"] && list[1].label == nil && list.labelledCount == 1)
  }
}
