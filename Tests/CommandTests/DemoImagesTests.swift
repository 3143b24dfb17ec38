import ArgumentParser
import Files
import Foundation
import Images
import TestSupport
import Testing

@testable import DemoImages

@Suite struct DemoImagesTests {
  private func draw(into folder: String, seed: Int = 3) throws {
    try DrawCommand.parse([folder, "--seed", "\(seed)", "--per-class", "4"]).run()
  }

  @Test func listsHoldGoodAndBrokenImages() throws {
    try withTemporaryFolder { folder in
      try draw(into: folder)
      let train = try ImageList(contentsOf: "\(folder)/train.tsv")
      let test = try ImageList(contentsOf: "\(folder)/test.tsv")
      #expect(train.classes == test.classes && train.classes.count == Motif.allCases.count)
      #expect((train.count, test.count) == (8 * 3 + 4, 8 + 2))
      for list in [train, test] {
        for row in 0..<list.count {
          let isBroken = Flaw.allCases.contains { flaw in
            list[row].path.description.hasSuffix("/\(flaw.rawValue).jpg")
          }
          let decoded = try? ImageDecoder.decode(ImageFile.read(list.location(of: list[row])))
          #expect((decoded == nil) == isBroken, "\(list[row].path)")
          #expect(decoded?.warning == nil)
        }
      }
    }
  }

  @Test func seedDecidesEveryByte() throws {
    for motif in Motif.allCases {
      let file = try motif.file(seed: 1, index: 0)
      #expect(try motif.file(seed: 1, index: 0) == file)
      #expect(try motif.file(seed: 1, index: 1) != file)
      #expect(try motif.file(seed: 2, index: 0) != file)
    }
  }
}
