import Tensors
import Testing

/// The one rule for ties.
@Suite struct IndexOfLargestTests {
  @Test func firstOfSeveralIsChosen() {
    #expect([3.0].indexOfLargest() == 0)
    #expect([1, 7, 2].indexOfLargest() == 1)
    #expect([1, 5, 3, 5].indexOfLargest() == 1)
    #expect([Float](repeating: -.infinity, count: 4).indexOfLargest() == 0)
    #expect([0.0, -0.0].indexOfLargest() == 0)
  }

  @Test func notANumberIsChosenOnlyWhereItStandsFirst() {
    #expect([1, Double.nan, 2].indexOfLargest() == 2)
    #expect([Double.nan, 1, 2].indexOfLargest() == 0)
  }

  @Test func emptyArrayHasNone() async {
    await #expect(processExitsWith: .failure) { _ = [Double]().indexOfLargest() }
  }
}
