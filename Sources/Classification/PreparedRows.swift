internal import Communication
internal import Tensors

/// Rows that training has looked at once, with what several trainings on them share.
final class PreparedRows {
  let rows: LocalRows
  let workspaces: [Workspace]
  let kernels: DenseKernels
  private let communicator: any Communicator
  private let team: ThreadTeam
  private var gram: GramMatrix?

  /// Collective; see `LocalRows`.
  init(
    _ source: any RowSource, options: TrainingOptions, communicator: any Communicator,
    team: ThreadTeam
  ) throws {
    kernels = try DenseKernels(communicator.lowestKernelClass())
    workspaces = (0..<team.threadCount).map { _ in Workspace() }
    rows = try LocalRows(
      source, options: options, communicator: communicator, team: team, workspaces: workspaces)
    self.communicator = communicator
    self.team = team
  }

  /// The products of the rows with each other, made when first asked for. Collective.
  ///
  /// - Precondition: all callers want the bias regularized, or none.
  func gram(_ options: TrainingOptions) throws -> GramMatrix {
    if let gram { return gram }
    let made = try GramMatrix(
      rows, regularizesBias: options.regularizesBias, kernels: kernels,
      communicator: communicator, team: team)
    gram = made
    return made
  }

  /// Whether several problems on parts of the rows are best solved in terms of rows.
  func solvesInRowSpace(_ options: TrainingOptions) -> Bool {
    switch options.method {
    case .featureSpace: false
    case .rowSpace: true
    case .automatic: fitsRowSpace
    }
  }

  /// Whether there are no more rows than features, and the matrix of their products is not too large.
  var fitsRowSpace: Bool {
    rows.rowCount <= rows.width && 8 * rows.rowCount * rows.rowCount <= GramMatrix.memoryLimit
  }
}

extension Communicator {
  /// The lowest kernel class among the ranks, which serves all. Collective.
  ///
  /// - Throws: `KernelError` where `DECAF_KERNEL` names a class that cannot run.
  fileprivate func lowestKernelClass() throws -> KernelClass {
    var lowest = [Int64(KernelClass.allCases.firstIndex(of: try KernelClass.current)!)]
    try allreduce(&lowest, .minimum)
    return KernelClass.allCases[Int(lowest[0])]
  }
}
