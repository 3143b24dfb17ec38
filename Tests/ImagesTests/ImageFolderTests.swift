import Files
import Foundation
import Images
import TestSupport
import Testing

@Suite struct ImageFolderTests {
  private func withFolder(of files: [String], _ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      for file in files {
        let url = URL(fileURLWithPath: "\(folder)/\(file)")
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data().write(to: url)
      }
      try body(folder)
    }
  }

  @Test func classFoldersAreSortedByBytes() throws {
    let files = [
      "dog/2.jpg", "dog/10.jpg", "Zebra/a.JPEG", "dog/deep/er/c.png", "cat/notes.txt",
      "cat/.hidden.jpg", ".git/d.jpg", "cat/a b.jpg", "#1/e.jpg", "README.md",
    ]
    try withFolder(of: files) { folder in
      let text = String(decoding: try ClassFolders(folder).canonicalText, as: UTF8.self)
      #expect(
        text == """
          path\tlabel
          ./#1/e.jpg\t#1
          Zebra/a.JPEG\tZebra
          cat/a b.jpg\tcat
          dog/10.jpg\tdog
          dog/2.jpg\tdog
          dog/deep/er/c.png\tdog

          """)
    }
  }

  @Test func folderIsTheListThatItsTextIs() throws {
    try withFolder(of: ["b/2.jpg", "a/1.jpg", "top.jpg"]) { folder in
      let list = try ImageList(contentsOf: folder)
      let text = try ClassFolders(folder).canonicalText
      #expect(list.sha256 == SHA256Digest(of: text))
      #expect(list.count == 3)
      #expect(list.classes == [ByteString("a"), ByteString("b")])
      #expect(list[0].path == ByteString("top.jpg") && list[0].label == nil)
      #expect(list.location(of: list[1]) == ByteString("\(folder)/a/1.jpg"))

      let path = "\(folder)/list.tsv"
      try Data(text).write(to: URL(fileURLWithPath: path))
      let written = try ImageList(contentsOf: path)
      #expect((0..<3).allSatisfy { written[$0] == list[$0] })
      #expect(written.sha256 == list.sha256)
    }
  }

  @Test func linksAreFollowedToClassFoldersButNotInCircles() throws {
    try withFolder(of: ["real/1.jpg", "images/a/2.jpg"]) { folder in
      let files = FileManager.default
      try files.createSymbolicLink(
        atPath: "\(folder)/images/linked", withDestinationPath: "../real")
      try files.createSymbolicLink(atPath: "\(folder)/images/a/loop", withDestinationPath: "..")
      let list = try ImageList(contentsOf: "\(folder)/images")
      #expect((0..<list.count).map { list[$0].path.description } == ["a/2.jpg", "linked/1.jpg"])
    }
  }

  @Test func nameThatALineCannotHoldIsAnError() throws {
    try withFolder(of: ["a/one\ttwo.jpg"]) { folder in
      #expect(
        throws: ImageListError.unlistableName(ByteString("one\ttwo.jpg"), folder: "\(folder)/a")
      ) { try ImageList(contentsOf: folder) }
    }
  }

  @Test func folderWithoutImagesIsAnError() throws {
    try withFolder(of: ["a/notes.txt"]) { folder in
      #expect(throws: ImageListError.empty(path: folder, isFolder: true)) {
        try ImageList(contentsOf: folder)
      }
    }
  }

  @Test func classFoldersWithoutImagesAreNamed() throws {
    try withFolder(of: ["cat/1.jpg", "nopics/photo", "nopics/b.jpg?w=200", "deep/x/notes"]) {
      folder in
      #expect(try ClassFolders(folder).emptyClasses == ["deep", "nopics"])
      let list = try ImageList(contentsOf: folder)
      #expect(list.notes.count == 1 && list.notes[0].contains("“deep”, “nopics”"))
      #expect(list.classes == ["cat"])
    }
    try withFolder(of: ["cat/1.jpg"]) { folder throws in
      #expect(try ImageList(contentsOf: folder).notes.isEmpty)
    }
  }

  @Test func foldersThatWouldBeOneClassAreRefused() throws {
    try withFolder(of: ["cat/1.jpg", "cat /2.jpg"]) { folder in
      #expect(throws: ImageListError.equalClasses("cat", "cat ", folder: folder)) {
        try ImageList(contentsOf: folder)
      }
    }
    try withFolder(of: [" cat/1.jpg"]) { folder throws in
      #expect(try ImageList(contentsOf: folder).classes == ["cat"])
    }
  }
}
