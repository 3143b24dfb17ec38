import Communication
import Glibc
import Testing

/// Preconditions that fail under in-process ranks: each test is a process of its own, in which a thread
/// stands still for ever.
@Suite struct RankTrapTests {
  @Test func trapOfARankIsThrownAndWakesTheOthers() async {
    await #expect(processExitsWith: .exitCode(7)) {
      do {
        _ = try InProcessCommunicator.run(size: 3) { communicator in
          var values: [Int64] = [1]
          precondition(communicator.rank != 1, "a bug")
          try communicator.allreduce(&values, .sum)
        }
      } catch let trap as RankTrap {
        exit(trap == RankTrap(rank: 1) && "\(trap)".contains("rank 1") ? 7 : 1)
      } catch { exit(2) }
      exit(3)
    }
  }

  @Test func overflowAndIndicesAreTraps() async {
    await #expect(processExitsWith: .exitCode(7)) {
      for kind in 0..<2 {
        do {
          _ = try InProcessCommunicator.run(size: 2) { communicator in
            let values = [Int](repeating: .max, count: communicator.size)
            return kind == 0 ? values[0] + communicator.rank : values[communicator.rank * 5]
          }
          exit(3)
        } catch let trap as RankTrap {
          if trap.rank != 1 { exit(1) }
        } catch { exit(2) }
      }
      exit(7)
    }
  }
}
