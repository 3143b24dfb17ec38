import Foundation
import TestSupport
import Testing

@testable import Files

@Suite struct ReplacementFileTests {
  @Test func theFileAppearsWhenItIsComplete() throws {
    try withTemporaryFolder { folder in
      let path = try writeTestFile([1], "x", in: folder)
      var file: ReplacementFile? = try ReplacementFile(path)
      try file!.append([2, 3])
      try file!.append([Float(1)].span)
      try file!.append([4])
      #expect(try readTestFile(path) == [1])
      try file!.commit()
      #expect(try readTestFile(path) == [2, 3, 0, 0, 0x80, 0x3F, 4])
      file = try ReplacementFile(path)
      try file!.append([9])
      file = nil
      #expect(try readTestFile(path).count == 7)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["x"])
    }
  }

  @Test func aLinkKeepsLeadingToTheFile() throws {
    try withTemporaryFolder { folder in
      try Data("old".utf8).write(to: URL(fileURLWithPath: "\(folder)/file"))
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder)/link", withDestinationPath: "file")
      let file = try ReplacementFile("\(folder)/link")
      try file.append(Array("new".utf8))
      try file.commit()
      #expect(try String(contentsOfFile: "\(folder)/file", encoding: .utf8) == "new")
      #expect(
        try FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/link") == "file")
    }
  }

  @Test func foldersAndDevicesAreNotReplaced() throws {
    try withTemporaryFolder { folder in
      let error = #expect(throws: SystemError.self) { try ReplacementFile(folder) }
      #expect(error?.code == EISDIR)
      #expect(throws: SystemError.self) { try ReplacementFile("/dev/null") }
    }
  }
}
