import Files
import Formats
import Images
import TestSupport
import Testing

@testable import Interchange

@Suite struct SVMLightTests {
  @Test func sparseRowsAreFilledUp() throws {
    let text = """
      # made by hand
      +1 1:0.5 3:-2e-3 # first\r

      cat qid:7 2:1
      -1
      """
    try withFile("a.svm", Array(text.utf8)) { path throws in
      let file = try FeatureFile(path)
      #expect(file.format == .svmlight && file.rowCount == 3 && file.width == 3)
      #expect(values(file) == [0.5, 0, -2e-3, 0, 1, 0, 0, 0, 0])
      #expect(file.ownLabels == ["1", "cat", "-1"].map { ByteString($0) })
      let wide = try FeatureFile(path, width: 4)
      #expect(values(wide) == [0.5, 0, -2e-3, 0, 0, 1, 0, 0, 0, 0, 0, 0])
      #expect(throws: InterchangeError.self) { try FeatureFile(path, width: 2) }
    }
  }

  @Test(arguments: [
    ("1 1:1\n2 2:1 2:3\n", 2), ("1 0:1\n", 1), ("1 1:1\n\n1 a:1\n", 3), ("1 1:x\n", 1),
    ("1:2 3:4\n", 1), ("1 -1:2\n", 1), ("1 5\n", 1),
  ])
  func theLineOfAProblemIsNamed(text: String, line: Int) throws {
    try withFile("a.svm", Array(text.utf8)) { path throws in
      let error = #expect(throws: InterchangeError.self) { try FeatureFile(path) }
      guard case .format(.malformed(_, let found, _)) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(found == line)
    }
  }

  @Test func unknownFilesAreDescribed() throws {
    try withFile("a.dat", [1, 2, 0xab]) { path throws in
      #expect(
        throws: InterchangeError.unknownFormat(
          path: path, found: "a file that begins with the bytes 1 2 ab")
      ) { try FeatureFile(path) }
    }
    try withFile("a.svm", []) { path throws in
      #expect(throws: InterchangeError.empty(path: path)) { try FeatureFile(path) }
    }
  }
}
