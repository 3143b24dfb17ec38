internal import Communication
internal import ConvNet
internal import FeatureStore
internal import Files
internal import Images
internal import Logging
internal import Tensors

extension ExtractionJob {
  /// What the ranks have agreed on when work may start.
  struct Start {
    let plan: ExtractionPlan
    /// Whether workers write their rows themselves.
    let isDirect: Bool
    /// On rank 0.
    let reserved: Reserved?
  }

  /// The list and the store's lock, on rank 0.
  struct Reserved {
    let list: ImageList
    let provenance: Provenance
    let store: StoreReservation.Outcome
  }

  /// Opens model, list and store, has every host look at what it will need, and ends with everything
  /// that differs or is missing anywhere in one message; collective.
  ///
  /// - Throws: `JobFailure`.
  func lookAround() throws -> Start {
    communicator.activity = Activity(phase: "opening the model")
    let facts = try facts ?? JobFacts.collect(ownFacts, communicator)
    let opening = try openSource(facts)
    let findings = try communicator.exchange(opening.finding)
    communicator.activity = Activity(phase: "opening list and store")
    let common = lowestKernelClass(findings)
    var (order, reserved) =
      try communicator.isRoot
      ? communicator.beating { reserve(opening, common) } : (PreflightOrder(), nil)
    order = try communicator.shared(order)
    communicator.activity = Activity(phase: "trying images and store")
    let answers = try communicator.exchange(answer(order, facts))
    let preflight = Preflight(
      facts: facts, gather: request.gather, modelPath: opening.source?.path ?? request.model,
      listPath: request.list)
    let verdict = try communicator.shared(
      communicator.isRoot ? preflight.verdict(findings, order, answers) : nil)
    if let failure = verdict.failure {
      if case .reserved(let store)? = reserved?.store { store.abandon() }
      throw JobFailure(
        exitStatus: ExitStatus(rawValue: failure.status) ?? .internalFailure,
        description: failure.text)
    }
    if communicator.isRoot {
      for warning in opening.source!.warnings + verdict.warnings { log.warning("\(warning)") }
    }
    let kernelClass = try order.keptKernelClass.map(requireKernelClass) ?? common!
    return Start(
      plan: ExtractionPlan(request, source: opening.source!, kernelClass: kernelClass),
      isDirect: verdict.isDirect, reserved: reserved)
  }

  private var ownFacts: RankFacts {
    .own(
      host: communicator.hostName, program: request.program,
      kernels: (try? KernelClass.current.rawValue) ?? "none", threads: team.threadCount)
  }

  /// Opens the list and takes the store's lock, on rank 0.
  private func reserve(
    _ opening: Opening, _ common: KernelClass?
  ) -> (PreflightOrder, Reserved?) {
    var order = PreflightOrder()
    // What is wrong with this rank's model is told already.
    guard let source = opening.source, let common else { return (order, nil) }
    do {
      let list = try ImageList(contentsOf: request.list, root: request.root)
      for note in list.notes { log.warning("\(request.list): \(note)") }
      order.root = list.absoluteRoot
      order.images = Preflight.sampleRows(count: list.count).compactMap { row in
        let entry = list[row]
        return entry.defect == nil ? list.location(of: entry).bytes : nil
      }
      order.keptKernelClass = keptKernelClass
      let kernelClass = try order.keptKernelClass.map(requireKernelClass) ?? common
      let plan = ExtractionPlan(request, source: source, kernelClass: kernelClass)
      let provenance = Provenance(request: request, list: list, plan: plan)
      let store = try StoreWriter.reserve(
        request.output, provenance: provenance, classes: list.classes,
        overwrite: request.overwrite, retryFailed: request.retryFailed,
        root: list.absoluteRoot.map { ImageRoot(path: $0, isMoved: request.isMoved) },
        stopReason: { StopSignal.name })
      switch store {
      case .reserved(let reservation): order.nonce = reservation.nonce
      case .complete: order.images = []
      }
      return (order, Reserved(list: list, provenance: provenance, store: store))
    } catch {
      order.problem = RankFinding.Problem(error)
      return (order, nil)
    }
  }

  /// Looks at images, store and kernels as rank 0 asks.
  private func answer(_ order: PreflightOrder, _ facts: JobFacts) -> RankAnswer {
    var answer = RankAnswer()
    if let kept = order.keptKernelClass {
      do { _ = try requireKernelClass(kept) } catch { answer.problem = .init(error) }
    }
    if request.gather != .coordinator, !order.nonce.isEmpty, !communicator.isRoot {
      do {
        try StoreReservation.requireSeen(request.output, nonce: order.nonce)
      } catch { answer.storeProblem = .init(error) }
    }
    let workers = facts.hosts.first { $0.ranks.contains(communicator.rank) }!.ranks
      .filter { !(request.dedicatedCoordinator && $0 == 0) }
    if workers.first == communicator.rank, !order.images.isEmpty {
      answer.images = ImageTrial.run(
        order.images.map { ByteString($0) }, limit: min(60, request.stallTimeoutSeconds),
        faults: faults, communicator)
    }
    return answer
  }
}
