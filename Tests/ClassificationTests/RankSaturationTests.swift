import Communication
import Tensors
import Testing

@testable import Classification

/// A sum that one rank's terms exceed is an error of every rank, or they would part ways.
@Suite struct RankSaturationTests {
  @Test(arguments: [2, 3]) func saturationOnOneRankIsTheErrorOfAll(ranks: Int) throws {
    // More than two blocks; all but the last have features that no bound is too small for.
    var rows = ArrayRows.random(rowCount: 1400, width: 3, classCount: 3, seed: 8)
    for i in 0..<1100 * 3 { rows.values[i] *= 1e-12 }
    let failed = try InProcessCommunicator.run(size: ranks) { [rows] communicator -> Bool in
      let prepared = try PreparedRows(
        rows, options: TrainingOptions(),
        TrainingContext(communicator: communicator, team: ThreadTeam(threadCount: 1)))
      let objective = Objective(rows: prepared.rows, loss: .squaredHinge, prepared.context)
      do {
        _ = try objective.gradient(
          classes: [0, 1, 2], bias: [0, 0, 0], massBounds: [1e-3, 1e-3, 1e-3],
          precision: .double)
        return false
      } catch ClassificationError.saturated { return true }
    }
    #expect(failed == [Bool](repeating: true, count: ranks))
  }
}
