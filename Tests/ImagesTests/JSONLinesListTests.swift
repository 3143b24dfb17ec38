import Files
import Foundation
import TestSupport
import Testing

@testable import Images

@Suite struct JSONLinesListTests {
  private func list(_ text: String) throws -> ImageList {
    try withTemporaryFolder { folder in
      let path = "\(folder)/list.jsonl"
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      return try ImageList(contentsOf: path)
    }
  }

  @Test func keysAreThoseOfTables() throws {
    let list = try list(
      #"""
      {"path": "a b.jpg", "label": "cat", "note": {"x": ["}", 1]}}
      # a comment

      {"label":7,"path":"d\u00e9\"j\/\ud83d\ude00.png","x":1,"y":2.5,"width":"30","height":40}
      {"path": "c.webp", "label": null, "x": null}
      { "path" : "d.jpg" , "label" : true }
      """#)
    #expect(list.count == 4)
    let entries = (0..<4).map { list[$0] }
    #expect(
      entries.map(\.path.description) == ["a b.jpg", "d\u{e9}\"j/\u{1F600}.png", "c.webp", "d.jpg"])
    #expect(entries.map(\.label?.description) == ["cat", "7", nil, "true"])
    #expect(entries.map(\.box) == [nil, Box(x: 1, y: 2, width: 30, height: 41), nil, nil])
    #expect(entries.allSatisfy { $0.defect == nil })
    #expect(list.labelledCount == 3)
  }

  @Test(arguments: [
    (
      #"{"path": "a.jpg"}"# + "\n[1]", 2,
      ImageListError.Problem.notJSON(expected: "an object", byte: 0)
    ),
    (#"{"label": "cat"}"#, 1, .missingPath), (#"{"path": ""}"#, 1, .missingPath),
    (#"{}"#, 1, .missingPath),
    (#"{"path": 3}"#, 1, .notJSON(expected: "text as path", byte: 9)),
    (#"{"path": "a", "path": "b"}"#, 1, .repeatedColumn("path")),
    (#"{"path": "a", "x": 1, "y": 2}"#, 1, .incompleteBox(found: ["x", "y"])),
    (#"{"path": "a" "x": 1}"#, 1, .notJSON(expected: "a comma or a closing brace", byte: 13)),
    (#"{"path": "a"} x"#, 1, .notJSON(expected: "the end of the line", byte: 14)),
    (#"{"path": "a"#, 1, .notJSON(expected: "a closing quote", byte: 11)),
    (#"{"path": "\q"}"#, 1, .notJSON(expected: "text with valid escapes", byte: 9)),
    (#"{"path": "a", "x": nul}"#, 1, .notJSON(expected: "a value", byte: 19)),
    (
      #"{"path": "a", "label": ["b"]}"#, 1,
      .notJSON(expected: "text or a number as label", byte: 23)
    ),
  ])
  func whatIsWrongIsSaid(text: String, line: Int, problem: ImageListError.Problem) {
    #expect {
      try list(text)
    } throws: { error in
      guard case .malformed(_, line, problem)? = error as? ImageListError else { return false }
      return true
    }
  }

  @Test(arguments: [
    ("{\"path\":\"a.jpg\"}\n", 1), ("# c\n\npath\tlabel\na.jpg\tb\n", 1),
    ("\u{feff}label,path\r\nb,\"a,c.jpg\"\r\n", 1), ("a.jpg b\nc.jpg d\n", 2), ("path/a.jpg\n", 1),
  ])
  func listsWithoutNameAreToldByTheirFirstLine(text: String, count: Int) throws {
    let bytes = Array(text.utf8)
    let index = try ListIndex(
      bytes.span, path: "-", format: ListFormats.format(of: bytes.span), lineLimit: 9
    ) { _ in }
    #expect(index.starts.count == count)
    #expect(index.classes.count == (text.contains("b") ? count : 0))
  }
}
