import Files
import Testing

@testable import Extraction

@Suite struct PaceTests {
  /// However long a run is, its record stays small, and tells the beginning as well as the end.
  @Test func momentsAreBoundedAndAscend() {
    var pace = Pace()
    for i in 1...100_000 { pace.note(rows: 3 * i, at: 0.1 * Double(i)) }
    let moments = pace.moments
    #expect(moments.count <= Pace.most && moments.count > Pace.most / 3)
    #expect(zip(moments, moments.dropFirst()).allSatisfy { $0.seconds < $1.seconds })
    #expect(moments.allSatisfy { abs(Double($0.rows) - 30 * $0.seconds) < 1 })
    #expect(moments.first!.seconds < 200 && moments.last!.seconds > 9_800)
  }

  @Test func theEndIsTold() {
    var pace = Pace()
    #expect(pace.json(rows: 0, at: 0).compactText == "[[0,0]]")
    pace.note(rows: 16, at: 1)
    pace.note(rows: 20, at: 1.1)  // too near to the last
    #expect(pace.json(rows: 32, at: 1.25).compactText == "[[1,16],[1.25,32]]")
  }
}
