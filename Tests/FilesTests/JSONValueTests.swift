import Foundation
import Testing

@testable import Files

@Suite struct JSONValueTests {
  static let sample: JSONValue = .object([
    "b": .array([.number(104.00698793), .number(-2), .number(1e300), .number(0.1)]),
    "a": .object(["é": .string("tab\tquote\"back\\slash/\u{1}😀"), "e": .string("e\u{301}")]),
    "ç": .bool(true), "empty": .array([]), "none": .object([:]),
  ])

  @Test func everyTextReadsBack() throws {
    #expect(try JSONValue(parsing: Array(Self.sample.compactText.utf8)) == Self.sample)
    #expect(try JSONValue(parsing: Array(Self.sample.prettyText.utf8)) == Self.sample)
    // Foundation agrees, both ways.
    let data = Data(Self.sample.compactText.utf8)
    #expect(try JSONDecoder().decode(JSONValue.self, from: data) == Self.sample)
    #expect(try JSONValue(encoding: Self.sample) == Self.sample)
  }

  @Test func oneValueHasOneText() throws {
    #expect(JSONValue.number(256).compactText == "256")
    #expect(try JSONValue(parsing: Array("256.0".utf8)).compactText == "256")
    #expect(JSONValue.number(104.00698793).compactText == "104.00698793")
    let text = #"{"b":[1,2.5],"a":{"z":"x","y":"é"}}"#
    #expect(
      try JSONValue(parsing: Array(text.utf8)).compactText
        == #"{"a":{"y":"é","z":"x"},"b":[1,2.5]}"#)
    #expect(
      JSONValue.object(["a": .array([.number(1)]), "b": .array([])]).prettyText
        == "{\n  \"a\": [\n    1\n  ],\n  \"b\": []\n}\n")
  }

  @Test func escapesAreRead() throws {
    let text = #""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00""#
    #expect(
      try JSONValue(parsing: Array(text.utf8)) == .string("\"\\/\u{8}\u{c}\n\r\tAé😀"))
  }

  @Test(arguments: [
    "", " ", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "{a:1}", "[1 2]", "01", "+1", ".5", "1.", "1.e5",
    "--1", "1e", "nul", "truex", "\"a", "\"\\x\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
    "\"\\udc00\"", "\"\\u00g0\"", "\"\\u+123\"", "\"a\nb\"", "1 1", "NaN", "1e999",
    "{\"a\":1,\"a\":2}",
  ])
  func whatIsNotJSONIsRefused(_ text: String) {
    #expect(throws: ProblemError.self) { try JSONParser.parse(Array(text.utf8)) }
  }

  @Test func deepNestingIsRefused() {
    let text = String(repeating: "[", count: 100_000)
    #expect(throws: ProblemError.self) { try JSONParser.parse(Array(text.utf8)) }
    #expect(throws: ProblemError.self) { try JSONParser.parse([0x22, 0xff, 0x22]) }
  }

  @Test func leavesAreNamedByTheirPath() {
    let leaves = Self.sample.flattened.map { "\($0.keyPath)=\($0.description)" }
    #expect(
      leaves.filter { $0.hasPrefix("b") } == [
        "b[0]=104.00698793", "b[1]=-2", "b[2]=1e+300", "b[3]=0.1",
      ])
    #expect(leaves.contains("empty=[]") && leaves.contains("none={}"))
  }

  @Test func numbersThatJSONLacksAreNull() throws {
    let value: JSONValue = .array([.number(.infinity), .number(.nan), .number(-.infinity)])
    #expect(value.compactText == "[null,null,null]")
    #expect(try JSONValue(encoding: value) == .array([.null, .null, .null]))
  }

  @Test func byteOrderMarkIsPassedOver() throws {
    #expect(try JSONValue(parsing: Array("\u{feff}{}".utf8)) == .object([:]))
  }

  @Test func leavesWithOnePathAreAllCompared() throws {
    let one = try JSONValue(parsing: Array(#"{"a.b": 1, "a": {"b": 2}}"#.utf8))
    let other = try JSONValue(parsing: Array(#"{"a.b": 1, "a": {"b": 3}}"#.utf8))
    #expect(one.differences(from: one).isEmpty)
    #expect(
      one.differences(from: other)
        == [.init(keyPath: "a.b", own: "2, 1", other: "3, 1")])
    #expect(
      JSONValue.string("\u{e9}").differences(from: .string("e\u{301}")).count == 1)
  }

  @Test func productsOfShapesDoNotOverflow() {
    #expect([2, 3].product(times: 4) == 24 && [Int]().product(times: 8) == 8)
    #expect([0, 5].product(times: 4) == 0)
    #expect([0, 1 << 40, 1 << 40].product() == nil, "a row of it would not fit")
    #expect([-1].product() == nil && [1 << 61].product() == nil)
    #expect([.max, .max].product(times: 8) == nil && [2, 3].product(limit: 5) == nil)
  }
}
