internal import Communication
internal import Tensors

/// What every part of a training works with: who computes, by which kernels, and where it may pause.
struct TrainingContext {
  let communicator: any Communicator
  let team: ThreadTeam
  /// The same on every rank, or their bytes would differ.
  let kernels: TrainingKernels
  /// One for each thread of the team.
  let workspaces: [Workspace]
  /// Where to pause; nil for nowhere.
  let checkpointer: Checkpointer?

  /// Collective.
  ///
  /// - Throws: `KernelError` where `DECAF_KERNEL` names a class that cannot run; the communicator's
  ///   errors.
  init(communicator: any Communicator, team: ThreadTeam, checkpointer: Checkpointer? = nil) throws {
    self.communicator = communicator
    self.team = team
    self.checkpointer = checkpointer
    kernels = TrainingKernels(try communicator.lowest { try KernelClass.current })
    workspaces = (0..<team.threadCount).map { _ in Workspace() }
  }

  private init(_ other: TrainingContext, checkpointer: Checkpointer?) {
    (communicator, team, self.checkpointer) = (other.communicator, other.team, checkpointer)
    (kernels, workspaces) = (other.kernels, other.workspaces)
  }

  /// The same without a place to pause.
  var withoutCheckpoints: TrainingContext { TrainingContext(self, checkpointer: nil) }
}
