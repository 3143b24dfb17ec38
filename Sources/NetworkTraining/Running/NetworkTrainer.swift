package import Communication
package import ConvNet
package import Files
internal import Images
package import Tensors

/// Trains a network on the images of a list, on all ranks together: the same bytes whatever their
/// number, and however often it stops and continues.
///
/// All methods are collective. Main loop: `run`. Images are read for the next step while one is
/// computed; every decision comes from numbers that all ranks have.
package final class NetworkTrainer {
  let request: TrainingRequest
  let schedule: TrainingSchedule
  let machine: Machine
  let network: TrainedNetwork
  private let descent: Descent
  let job: JSONValue
  package let kernelClass: KernelClass
  let feeder: ImageFeeder
  private let checkpoint: TrainingCheckpoint
  private(set) var state = TrainingState()
  private var lastWrite = ContinuousClock.now
  /// A checkpoint of this training is there.
  private var hasCheckpoint = false
  /// Something is done before the next stop, or a job of many short runs would never end.
  private var passesNext = false

  /// Prepares a training, and takes up its checkpoint where there is one.
  ///
  /// - Precondition: the request is valid.
  /// - Throws: `JobFailure` for a checkpoint that cannot be used.
  package init(
    _ request: TrainingRequest, _ schedule: TrainingSchedule,
    communicator: any Communicator, team: ThreadTeam
  ) throws {
    kernelClass = try communicator.lowest { try .current }
    (self.request, self.schedule) = (request, schedule)
    machine = Machine(communicator, team: team, kernelClass: kernelClass)
    descent = Descent(settings: request.settings)
    job = try request.job(kernelClass)
    checkpoint = TrainingCheckpoint(path: schedule.checkpointPath, job: job)
    feeder = try ImageFeeder(request, schedule, kernelClass, machine)
    network = TrainedNetwork(
      request.plan, capacity: request.batchSize, part: feeder.hasRows ? .rows : .whole, machine)
    request.initialize(network.parameters)
    if let found = try checkpoint.read(
      into: network.parameters, startsAnew: schedule.startsAnew, machine)
    {
      (state, passesNext, hasCheckpoint) = (found, true, true)
    }
    if feeder.hasRows {
      (state.failures, state.validationFailures) = feeder.failures
    }
    for parameter in network.parameters {
      parameter.largest = machine.kernels.largestMagnitude(BufferPart(parameter.values))
    }
    network.prepare()
  }

  /// The lowest kernel class among the ranks, which serves all. Collective.
  ///
  /// - Throws: `JobFailure` where `DECAF_KERNEL` names a class that cannot run.
  package static func kernelClass(of communicator: any Communicator) throws -> KernelClass {
    try communicator.lowest { try .current }
  }

  /// Steps that the training goes on from; 0 at its beginning.
  package var firstIteration: Int { state.iteration }
  package var history: [EpochRecord] { state.history }
  /// Rows of the lists that could not be read, and why; on rank 0.
  package var failures: [Int: String] { state.failures }
  package var validationFailures: [Int: String] { state.validationFailures }

  /// Trains to the end.
  ///
  /// - Throws: `NetworkTrainingStopped` on all ranks when asked to stop; `JobFailure` when the loss is
  ///   no number any more, or a checkpoint cannot be written.
  package func run() throws {
    let (total, steps) = (request.settings.maxIterations, request.stepsPerEpoch)
    let clock = ProgressClock(first: state.iteration)
    while true {
      let isAtEnd = state.iteration == total
      if state.iteration > (state.history.last?.iteration ?? 0),
        state.iteration % steps == 0 || isAtEnd
      {
        try pause()
        try endEpoch()
      }
      if isAtEnd { return }
      try pause()
      try step()
      report(clock, total: total)
    }
  }

  private func step() throws {
    let rate = request.settings.rate(state.iteration)
    machine.communicator.activity = Activity(
      phase: "training the network", images: state.iteration * request.batchSize)
    let batch = try feeder.next(state.iteration, network, &state)
    let outcome: SoftmaxLoss.Outcome
    do {
      outcome = try network.learnRows(batch)
      guard outcome.loss.isFinite else { throw NotFinite() }
      if outcome.count > 0 {
        try descent.step(network.parameters, iteration: state.iteration, machine)
        network.prepare()
      }
    } catch is NotFinite {
      throw failure(
        TrainingError.diverged(
          iteration: state.iteration,
          what: "the loss or a gradient is no number any more, at a learning rate of \(rate)",
          checkpoint: hasCheckpoint ? schedule.checkpointPath : nil))
    }
    state.add(outcome)
    state.iteration += 1
  }

  private func failure(_ error: TrainingError) -> JobFailure {
    JobFailure(exitStatus: error.exitStatus, description: "\(error)")
  }

  private func endEpoch() throws {
    if state.failures.count == request.images.count {
      throw failure(
        .noImages(list: request.images.list.path, reason: "none of its images can be read"))
    }
    var outcome: SoftmaxLoss.Outcome?
    if let validation = request.validation {
      let found = try feeder.evaluate(validation, network) { try self.pauseIfStopped() }
      (outcome, state.validationFailures) = (found.outcome, found.failures)
    }
    let rate = request.settings.rate(max(state.iteration - 1, 0))
    state.endEpoch(rate: rate, validation: outcome)
    if machine.communicator.isRoot { schedule.epochEnded(state.history.last!) }
  }

  // MARK: Stopping

  /// Writes a checkpoint where it is time, and stops where that was asked for.
  private func pause() throws {
    if passesNext {
      passesNext = false
      return
    }
    let reason = schedule.stopReason()
    let isDue = ContinuousClock.now >= lastWrite + schedule.interval
    var wish = [Int64(reason != nil ? 2 : isDue ? 1 : 0)]
    if machine.communicator.size > 1 { try machine.communicator.allreduce(&wish, .maximum) }
    if wish[0] == 2 { try stop(reason) }
    if wish[0] == 1 { try keep() }
  }

  /// Stops where that was asked for.
  private func pauseIfStopped() throws {
    let reason = schedule.stopReason()
    var wish = [Int64(reason != nil ? 1 : 0)]
    if machine.communicator.size > 1 { try machine.communicator.allreduce(&wish, .maximum) }
    if wish[0] > 0 { try stop(reason) }
  }

  private func stop(_ reason: String?) throws {
    try checkpoint.write(network.parameters, state, machine)
    throw NetworkTrainingStopped(
      reason: reason ?? "asked for on another rank", iteration: state.iteration,
      total: request.settings.maxIterations, checkpoint: schedule.checkpointPath)
  }

  private func keep() throws {
    lastWrite = .now
    let isSound = try machine.largest(network.parameters.map(\.largest).max() ?? 0).isFinite
    guard isSound else { return }
    do {
      try checkpoint.write(network.parameters, state, machine)
      hasCheckpoint = true
    } catch let failure as JobFailure {
      schedule.warn("training goes on without a new checkpoint: \(failure)")
    }
  }

  private func report(_ clock: ProgressClock, total: Int) {
    guard machine.communicator.isRoot, state.imageCount > 0 else { return }
    let count = Double(state.imageCount)
    schedule.progress(
      clock.progress(
        iteration: state.iteration, total: total, batchSize: request.batchSize,
        epoch: state.history.count + 1, loss: state.lossSum / count,
        accuracy: Double(state.correctCount) / count))
  }

  // MARK: The result

  /// The trained network, on rank 0; nil elsewhere.
  ///
  /// - Parameter name: the network's.
  /// - Throws: `JobFailure`.
  package func makeModel(name: String, training: JSONValue) throws -> Model? {
    var numbers: [String: [StoredFloats]] = [:]
    for parameter in network.parameters {
      var whole: [Float] = []
      for slice in parameter.slices {
        whole += try machine.gather(parameter, parameter.values, rows: slice)
      }
      if machine.communicator.isRoot {
        numbers[parameter.layer, default: []].append(StoredFloats(whole))
      }
    }
    guard machine.communicator.isRoot else { return nil }
    var parameters = numbers.mapValues { LayerParameters($0) }
    // Layers in front of rows that were computed once are those that training began with.
    for layer in request.plan.definition.layers
    where layer.hasParameters && parameters[layer.name] == nil {
      parameters[layer.name] = request.initialParameters(layer)
    }
    do throws(ModelError) {
      return try Model(
        trained: request.plan.text.architecture, parameters: parameters, name: name,
        training: training.compactText)
    } catch {
      throw JobFailure(exitStatus: error.exitStatus, description: "\(error)")
    }
  }

  /// Removes the checkpoint: the training is finished, and its result is written. For rank 0.
  package func removeCheckpoint() throws {
    if try FileSystem.byteCount(of: schedule.checkpointPath) != nil {
      try FileSystem.removeFile(schedule.checkpointPath)
    }
  }
}

/// Tells how fast a training goes.
private struct ProgressClock {
  private let start = ContinuousClock.now
  private let first: Int

  init(first: Int) { self.first = first }

  func progress(
    iteration: Int, total: Int, batchSize: Int, epoch: Int, loss: Double, accuracy: Double
  ) -> TrainingSchedule.Progress {
    let elapsed = (ContinuousClock.now - start) / .seconds(1)
    let rate = Double(iteration - first) / max(elapsed, 1e-9)
    return .init(
      iteration: iteration, total: total, epoch: epoch, loss: loss, accuracy: accuracy,
      imagesPerSecond: rate * Double(batchSize), secondsLeft: Double(total - iteration) / rate)
  }
}

extension TrainingRequest {
  /// A layer's numbers that training begins with: the model's, or drawn.
  fileprivate func initialParameters(_ layer: NetworkDefinition.Layer) -> LayerParameters {
    if let model, !replaced.contains(layer.name) { return model.storedParameters(layer.name) }
    return LayerParameters(
      layer.parameterShapes.indices.map {
        StoredFloats(plan.initialNumbers(layer, part: $0))
      })
  }

  /// Gives a rank's parameters the numbers that training begins with.
  func initialize(_ parameters: [TrainedParameter]) {
    for parameter in parameters {
      let layer = plan.definition.layers.first { $0.name == parameter.layer }!
      let part = layer.parameterShapes.firstIndex { $0.name == parameter.name }!
      let length = parameter.rowLength
      let known = replaced.contains(layer.name) ? nil : model?.storedParameters(layer.name)
      let drawn = known == nil ? plan.initialNumbers(layer, part: part) : []
      for slice in parameter.slices
      where parameter.isWhole || parameter.rows.contains(slice.lowerBound) {
        let range = slice.lowerBound * length..<slice.upperBound * length
        parameter.set(
          parameter.values, rows: slice,
          known?.blobs[part].floats(range) ?? Array(drawn[range]))
      }
    }
  }
}
