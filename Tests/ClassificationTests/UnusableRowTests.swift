import Communication
import Tensors
import Testing

@testable import Classification

/// A row that is no numbers is every rank's error, and all name the same one.
@Suite struct UnusableRowTests {
  /// Rows 1300 and 700 are bad: the second and the third block of three, on ranks of their own.
  @Test(arguments: [1, 2, 3]) func allRanksNameTheFirstBadRowOfAll(ranks: Int) throws {
    var rows = ArrayRows.random(rowCount: 1400, width: 3, classCount: 3, seed: 8)
    rows.values[1300 * 3 + 1] = .infinity
    rows.values[700 * 3] = .nan
    let errors = try InProcessCommunicator.run(size: ranks) { [rows] communicator in
      #expect(throws: ClassificationError.self) {
        try PreparedRows(
          rows, options: TrainingOptions(),
          TrainingContext(communicator: communicator, team: ThreadTeam(threadCount: 1)))
      }
    }
    #expect(
      errors
        == [ClassificationError?](repeating: .notFinite(source: "memory", row: 700), count: ranks))
  }
}
