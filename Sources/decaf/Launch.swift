internal import Files
internal import Foundation
internal import MPI

/// What the environment says about the launcher, before MPI is initialized.
struct Launch {
  let isLaunched: Bool
  var isRoot: Bool { rank == "0" }
  private let rank: String
  /// The variable by which a launcher tells how many ranks there are, and its number.
  private let announced: (variable: String, size: Int)?

  /// Where an error was met, for messages.
  var place: String { "rank \(rank) on \(ProcessInfo.processInfo.hostName)" }

  init(_ environment: [String: String]) {
    isLaunched = MPIUniverse.isLaunched(environment)
    // Of a step alone: SLURM_NTASKS stands in the environment of batch scripts, too. Open MPI's own
    // comes first: it starts its daemons by a step with a task a node.
    let sizes = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"]
    announced =
      sizes.lazy.compactMap { variable in
        environment[variable].flatMap { Int($0) }.map { (variable, $0) }
      }.first
    var ranks = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"]
    if environment["SLURM_STEP_NUM_TASKS"] != nil { ranks.append("SLURM_PROCID") }
    rank = ranks.lazy.compactMap { environment[$0] }.first ?? "0"
  }

  /// Refuses to be one of several processes that do not know of each other: each would do the whole
  /// job, and all would write one output.
  ///
  /// - Parameter size: the ranks that there are.
  /// - Throws: `LaunchError.alone`.
  func checkSize(_ size: Int) throws {
    if let announced, announced.size > size {
      throw LaunchError.alone(
        variable: announced.variable, announced: announced.size, found: size)
    }
  }
}

/// Why processes that a launcher started cannot work together.
enum LaunchError: ErrorWithStatus, CustomStringConvertible {
  case alone(variable: String, announced: Int, found: Int)

  var description: String {
    switch self {
    case .alone(let variable, let announced, let found):
      """
      the launcher announces \(announced) ranks (\(variable)), MPI finds \(found): the ranks do not \
      know of each other, and each would do the whole job; start them with mpirun, or under Slurm \
      with srun --mpi=pmix (srun --mpi=list shows what there is)
      """
    }
  }

  var exitStatus: ExitStatus { .usage }
}
