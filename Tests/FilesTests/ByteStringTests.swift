import Files
import Testing

@Suite struct ByteStringTests {
  @Test func comparesBytesWhereStringComparesCharacters() {
    let composed = "\u{E9}"
    let decomposed = "e\u{301}"
    #expect(composed == decomposed)
    #expect(ByteString(composed) != ByteString(decomposed))
    #expect(Set([ByteString(composed), ByteString(decomposed)]).count == 2)
    #expect(ByteString("Z") < ByteString("a"))
    #expect(ByteString("a") < ByteString("ab"))
    #expect(ByteString("z") < ByteString("é"))
  }

  @Test func keepsBytesThatAreNotText() {
    let bytes = ByteString([0x61, 0xFF])
    #expect(bytes.bytes == [0x61, 0xFF])
    #expect(bytes.utf8String == nil)
    #expect(bytes.description == "a\u{FFFD}")
    #expect(ByteString("é").utf8String == "é")
  }

  @Test(arguments: [
    (["10", "9", "-1", "9"], ["-1", "9", "10"]),
    (["7", "07", "6"], ["6", "07", "7"]),
    (["10", "9", "cat"], ["10", "9", "cat"]),
    (["10", "9", "99999999999999999999"], ["10", "9", "99999999999999999999"]),
    (["b", "B", "é", "a"], ["B", "a", "b", "é"]),
    ([], []),
  ])
  func ordersClassesByValueOnlyIfAllAreIntegers(labels: [String], expected: [String]) {
    #expect(
      ByteString.classes(of: labels.map { ByteString($0) }) == expected.map { ByteString($0) })
  }
}
