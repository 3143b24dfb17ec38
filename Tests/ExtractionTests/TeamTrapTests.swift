import Communication
import Glibc
import Tensors
import Testing

/// A trap in a team's thread, for which its rank waits: the run fails all the same.
@Suite struct TeamTrapTests {
  @Test func trapOfATeamsThreadFailsTheRun() async {
    await #expect(processExitsWith: .exitCode(7)) {
      do {
        _ = try InProcessCommunicator.run(size: 2) { communicator in
          let (team, rank) = (ThreadTeam(threadCount: 3), communicator.rank)
          team.forEach(60) { _, worker in
            usleep(2000)
            precondition(rank == 0 || worker == 0, "a bug")
          }
          try communicator.barrier()
        }
      } catch is RankTrap { exit(7) } catch { exit(2) }
      exit(3)
    }
  }
}
