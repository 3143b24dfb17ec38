internal import Communication
internal import ConvNet
internal import Files
internal import Tensors

/// Brings batches into a network: images read while others are computed, or, where all that is before
/// the first inner product stays as it is, rows that were computed once.
///
/// All methods are collective.
final class ImageFeeder {
  private let request: TrainingRequest
  private let schedule: TrainingSchedule
  private let machine: Machine
  private let reader: ImageReader
  private let validationReader: ImageReader?
  private let loader: BatchLoader
  private let validationLoader: BatchLoader?
  /// Rows computed once: of the images, and of those to validate on.
  private var rows: (images: CachedSet, validation: CachedSet?)?
  /// The step whose images are being read.
  private var begun: Int?
  private var order: (epoch: Int, numbers: [Int]) = (-1, [])

  /// Images whose rows a rank keeps, and why those that could not be read could not.
  private struct CachedSet {
    let cache: RowCache
    var isMissing: Set<Int> = []
    var failures: [Int: String] = [:]
  }

  init(
    _ request: TrainingRequest, _ schedule: TrainingSchedule, _ kernelClass: KernelClass,
    _ machine: Machine
  ) throws {
    (self.request, self.schedule, self.machine) = (request, schedule, machine)
    // Decoding has threads of its own: it goes on while the team computes.
    let team = ThreadTeam(threadCount: machine.team.threadCount)
    let ranks = machine.communicator.size
    let own = (0..<ranks).map {
      TrainedNetwork.ownImages(request.batchSize, rank: $0, size: ranks).count
    }.max()!
    func makeLoader(_ reader: ImageReader) -> BatchLoader {
      BatchLoader(
        reader,
        buffer: FloatBuffer(
          count: min(own + TrainedNetwork.blockImages, request.batchSize)
            * request.transform.inputLayout.count))
    }
    reader = ImageReader(
      request.images.list, request.transform, request.augmentation, seed: request.seed,
      kernelClass: kernelClass, team: team)
    loader = makeLoader(reader)
    validationReader = request.validation.map {
      ImageReader(
        $0.list, request.transform, .none, seed: request.seed, kernelClass: kernelClass, team: team)
    }
    validationLoader = validationReader.map(makeLoader)
    if request.augmentation == .none && !request.plan.mapsLearn { try computeRows() }
  }

  /// Rows were computed once; the network needs no maps.
  var hasRows: Bool { rows != nil }
  /// Rows of the lists that could not be read when rows were computed; on rank 0.
  var failures: (images: [Int: String], validation: [Int: String]) {
    (rows?.images.failures ?? [:], rows?.validation?.failures ?? [:])
  }

  // MARK: Training

  /// The images of a step, as numbers of `request.images.rows`.
  private func numbers(_ iteration: Int) -> (epoch: Int, numbers: ArraySlice<Int>) {
    let (epoch, step) = iteration.quotientAndRemainder(dividingBy: request.stepsPerEpoch)
    if order.epoch != epoch {
      order = (epoch, request.images.order(epoch: epoch, seed: request.seed))
    }
    let start = step * request.batchSize
    return (epoch, order.numbers[start..<min(start + request.batchSize, order.numbers.count)])
  }

  private func batch(_ iteration: Int) -> (batch: BatchImages, numbers: [Int]) {
    let (epoch, numbers) = self.numbers(iteration)
    let batch = BatchImages(
      labels: numbers.map { request.images.labels[$0] },
      streams: numbers.map { Augmentation.stream(epoch: epoch, row: request.images.rows[$0]) },
      isTraining: true, rank: machine.communicator.rank, size: machine.communicator.size)
    return (batch, Array(numbers))
  }

  /// Begins to read the images of a step, unless that was done.
  private func begin(_ iteration: Int) {
    if begun == iteration { return }
    begun = iteration
    let (batch, numbers) = self.batch(iteration)
    loader.start(
      batch.own.map { request.images.rows[numbers[$0]] }, streams: Array(batch.streams[batch.own]))
  }

  /// The images of a step, whose rows are then in the network.
  ///
  /// Reading of the next step's has then begun.
  func next(
    _ iteration: Int, _ network: TrainedNetwork, _ state: inout TrainingState
  ) throws -> BatchImages {
    var (batch, numbers) = self.batch(iteration)
    if let rows {
      try fill(network, numbers, of: rows.images, &batch)
      return batch
    }
    begin(iteration)
    let reasons = try take(loader, into: network, &batch)
    note(reasons, numbers.map { request.images.rows[$0] }, in: &state.failures)
    if iteration + 1 < request.settings.maxIterations { begin(iteration + 1) }
    try network.computeRows(batch)
    return batch
  }

  /// Takes over what was read, and tells all ranks which images could not be.
  ///
  /// - Returns: on rank 0, for each image of the batch, why; nil for one that was read.
  private func take(
    _ loader: BatchLoader, into network: TrainedNetwork, _ batch: inout BatchImages
  ) throws -> [String?] {
    let communicator = machine.communicator
    let failures = loader.finish { communicator.beat() }
    let count = batch.own.count * request.transform.inputLayout.count
    if count > 0 {
      BufferPart(network.input, 0..<count).copy(from: BufferPart(loader.buffer, 0..<count))
    }
    var flags = [Int64](repeating: 0, count: batch.count)
    for (place, failure) in failures.enumerated() where failure != nil {
      flags[batch.own.lowerBound + place] = 1
    }
    if communicator.size > 1 { try communicator.allreduce(&flags, .maximum) }
    var reasons = [String?](repeating: nil, count: batch.count)
    guard flags.contains(1) else { return reasons }
    for place in flags.indices where flags[place] == 1 { batch.labels[place] = nil }
    let own = failures.map { $0 ?? "" }
    let all = try communicator.gather(
      Array(try JSONValue(encoding: own).compactText.utf8), root: 0)
    var place = 0
    for text in all {
      for reason in try JSONValue(parsing: text).decoded([String].self) {
        if !reason.isEmpty { reasons[place] = reason }
        place += 1
      }
    }
    return reasons
  }

  private func note(_ reasons: [String?], _ rows: [Int], in failures: inout [Int: String]) {
    for (row, reason) in zip(rows, reasons) {
      if let reason { failures[row] = reason }
    }
  }

  // MARK: Validation

  /// The network's loss and accuracy on other images.
  ///
  /// - Parameter pause: called between batches.
  /// - Returns: that, and on rank 0 the rows that cannot be read, and why.
  func evaluate(
    _ images: TrainingImages, _ network: TrainedNetwork, pause: () throws -> Void
  ) throws -> (outcome: SoftmaxLoss.Outcome, failures: [Int: String]) {
    var total = SoftmaxLoss.Outcome()
    var failures = rows?.validation?.failures ?? [:]
    try forEachBatch(of: images, validationLoader!, isRead: rows == nil) { batch, numbers in
      var batch = batch
      if let validation = rows?.validation {
        try fill(network, numbers, of: validation, &batch)
      } else {
        let reasons = try take(validationLoader!, into: network, &batch)
        note(reasons, numbers.map { images.rows[$0] }, in: &failures)
        try network.computeRows(batch)
      }
      let outcome = try network.evaluateRows(batch)
      total.loss += outcome.loss
      total.correctCount += outcome.correctCount
      total.count += outcome.count
      try pause()
    }
    return (total, failures)
  }

  /// Calls `body` with batches of all images in order, each read while the one before is computed.
  private func forEachBatch(
    of images: TrainingImages, _ loader: BatchLoader, isRead: Bool,
    _ body: (BatchImages, _ numbers: [Int]) throws -> Void
  ) throws {
    let (rank, size) = (machine.communicator.rank, machine.communicator.size)
    let step = request.batchSize
    for start in stride(from: 0, to: images.count, by: step) {
      let numbers = Array(start..<min(start + step, images.count))
      let batch = BatchImages(
        labels: numbers.map { images.labels[$0] }, streams: numbers.map { UInt64($0) },
        isTraining: false, rank: rank, size: size)
      if isRead {
        loader.start(
          batch.own.map { images.rows[numbers[$0]] }, streams: Array(batch.streams[batch.own]))
      }
      // What was begun is waited for, or the next batch would meet it.
      do { try body(batch, numbers) } catch {
        _ = loader.finish()
        throw error
      }
    }
  }

  // MARK: Rows computed once

  private func computeRows() throws {
    machine.communicator.activity = Activity(phase: "computing rows of frozen layers")
    schedule.inform("the layers before \(request.plan.firstRowLayer) stay: rows computed once")
    let network = TrainedNetwork(
      request.plan, capacity: request.batchSize, part: .maps, machine)
    request.initialize(network.parameters)
    network.prepare()
    rows = (
      try computeRows(request.images, loader, network),
      try request.validation.map { try computeRows($0, validationLoader!, network) }
    )
  }

  private func computeRows(
    _ images: TrainingImages, _ loader: BatchLoader, _ network: TrainedNetwork
  ) throws -> CachedSet {
    let width = network.mapShape.count
    var set = CachedSet(cache: try RowCache(width: width))
    try forEachBatch(of: images, loader, isRead: true) { batch, numbers in
      try stopIfAsked()
      var batch = batch
      let reasons = try take(loader, into: network, &batch)
      note(reasons, numbers.map { images.rows[$0] }, in: &set.failures)
      try network.computeRows(batch)
      for place in batch.labels.indices where batch.labels[place] == nil {
        set.isMissing.insert(numbers[place])
      }
      for place in batch.own {
        try set.cache.set(
          numbers[place], network.rows.floats(place * width..<(place + 1) * width))
      }
    }
    return set
  }

  /// Stops where that was asked for before there is anything to keep.
  private func stopIfAsked() throws {
    let reason = schedule.stopReason()
    var wish = [Int64(reason != nil ? 1 : 0)]
    if machine.communicator.size > 1 { try machine.communicator.allreduce(&wish, .maximum) }
    guard wish[0] > 0 else { return }
    throw NetworkTrainingStopped(
      reason: reason ?? "asked for on another rank", iteration: 0,
      total: request.settings.maxIterations, checkpoint: nil)
  }

  /// Brings the rows of some images into the network.
  private func fill(
    _ network: TrainedNetwork, _ numbers: [Int], of set: CachedSet, _ batch: inout BatchImages
  ) throws {
    let width = network.mapShape.count
    let part = BufferPart(network.rows, 0..<numbers.count * width)
    part.clear()
    for (place, number) in numbers.enumerated() {
      if set.isMissing.contains(number) {
        batch.labels[place] = nil
      } else if let row = try set.cache.row(number) {
        part.part(place * width..<(place + 1) * width).set(row)
      }
    }
    try machine.share(part)
  }
}
