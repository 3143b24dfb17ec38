internal import ConvNet
internal import FeatureStore
internal import Files
internal import Images
internal import Synchronization
internal import Tensors

/// Turns a batch of images into rows of the store, on one thread team.
final class BatchExtractor: RowMaker {
  static let readsFiles = true

  private let loader: ImageLoader
  private let maker: any FeatureMaker
  private let team: ThreadTeam
  /// One a thread of the team.
  private let writers: Writers
  private let layerWidths: [Int]
  private let dtype: ElementType
  /// Seconds that a suspect image may take in a process of its own.
  private let imageTimeout: Double
  /// Images computed together; a batch is cut into such chunks.
  private let chunkSize: Int
  /// Images of a chunk that are decoded, and taken as far as there are maps, before the next: few
  /// enough that inputs do not go through memory.
  private let loadSize: Int

  /// Inputs (images × views) that are computed together. Larger chunks gain nothing: the fully
  /// connected weights are then read rarely enough.
  private static let inputCapacity = 64
  /// Inputs a thread that are there at a time.
  private static let inputsPerThread = 16

  init(_ plan: ExtractionPlan, loader: ImageLoader, team: ThreadTeam) throws {
    self.loader = loader
    self.team = team
    dtype = plan.dtype
    imageTimeout = plan.imageTimeoutSeconds
    layerWidths = plan.layerWidths
    let views = loader.views.count
    chunkSize = max(1, min(plan.batchSize, Self.inputCapacity / views))
    loadSize = min(chunkSize, (Self.inputsPerThread * team.threadCount + views - 1) / views)
    maker = try plan.source.makeMaker(
      capacity: chunkSize * views, inputCapacity: loadSize * views, team: team,
      kernelClass: plan.kernelClass)
    let kernels = NetworkKernels(plan.kernelClass)
    writers = Writers(all: (0..<team.threadCount).map { _ in loader.makeWriter(kernels) })
  }

  /// The batch's rows and what there is to say about them; after a stop, of those that were begun.
  ///
  /// - Parameters:
  ///   - firstFile: the number in `files` of the batch's first image.
  ///   - idleSeconds: how long the worker waited for this batch.
  ///   - state: is told of every image, and says when to stop.
  func extract(
    _ batch: Batch, files: ReadAhead, firstFile: Int, idleSeconds: Double, state: WorkState
  ) throws -> BatchResult {
    var timing = WorkTiming()
    var exceptions: [RowException] = []
    var unreadable: [RowException] = []
    var overflowCounts: [Int] = []
    let data = layerWidths.map {
      RowBlock(rowCount: batch.items.count, width: $0, dtype: dtype)
    }
    var end = batch.rows.lowerBound
    for start in stride(from: 0, to: batch.items.count, by: chunkSize) where !state.isStopping {
      let chunk = start..<min(start + chunkSize, batch.items.count)
      let outcomes = try compute(
        chunk, of: batch, files: files, firstFile: firstFile, state: state, &timing)
      end += outcomes.count
      let begin = ContinuousClock.now
      for (slot, outcome) in outcomes.enumerated() {
        overflowCounts.append(appendRow(slot, isOK: outcome.status == .ok, to: data))
        let exception = RowException(
          row: batch.rows.lowerBound + start + slot, status: outcome.status,
          message: outcome.message)
        if outcome.isUnreadable {
          unreadable.append(exception)
        } else if outcome.status == .failed || !outcome.message.isEmpty {
          exceptions.append(exception)
        }
      }
      timing.rowSeconds += seconds(since: begin)
      timing.failures += outcomes.count { $0.status == .failed }
    }
    let rows = batch.rows.lowerBound..<end
    timing.images = rows.count - unreadable.count
    timing.idleSeconds = idleSeconds
    timing.layers = maker.takeTimes()

    let begin = ContinuousClock.now
    let parts = parts(
      of: rows, without: unreadable, exceptions: exceptions, overflowCounts: overflowCounts,
      data: data)
    timing.rowSeconds += seconds(since: begin)
    return BatchResult(
      rows: batch.rows, returned: end..<batch.rows.upperBound, parts: parts,
      unreadable: unreadable, timing: timing)
  }

  /// The batch, or the pieces of it between rows of which nothing is to be recorded.
  private func parts(
    of rows: Range<Int>, without unreadable: [RowException], exceptions: [RowException],
    overflowCounts: [Int], data: [RowBlock]
  ) -> [BatchResult.Part] {
    var parts: [BatchResult.Part] = []
    var start = rows.lowerBound
    for end in unreadable.map(\.row) + [rows.upperBound] {
      defer { start = end + 1 }
      let part = start..<end
      if part.isEmpty { continue }
      let places = start - rows.lowerBound..<end - rows.lowerBound
      let bytes = data.map { $0.rows(places) }
      parts.append(
        BatchResult.Part(
          finished: FinishedRows(
            rows: part, exceptions: exceptions.filter { part.contains($0.row) },
            overflowCount: overflowCounts[places].reduce(0, +), data: bytes),
          data: bytes))
    }
    return parts
  }

  /// What the team's threads decode and transform with.
  private struct Writers: @unchecked Sendable {
    // Invariant behind `@unchecked`: a thread of the team uses the one of its own number only, and
    // the clocks are read when the team is at rest.
    let all: [InputWriter]

    /// Seconds of all threads.
    var clock: InputWriter.Clock {
      all.reduce(into: InputWriter.Clock()) {
        $0.decodeSeconds += $1.clock.decodeSeconds
        $0.transformSeconds += $1.clock.transformSeconds
      }
    }
  }

  /// What became of one image.
  private struct Outcome {
    var status = RowStatus.failed
    var message = ""
    /// The file could not be opened or read: another host may have better luck.
    var isUnreadable = false
  }

  /// Computes the images of `chunk`, or the first of them when there is a stop.
  private func compute(
    _ chunk: Range<Int>, of batch: Batch, files: ReadAhead, firstFile: Int, state: WorkState,
    _ timing: inout WorkTiming
  ) throws -> [Outcome] {
    let views = loader.views.count
    var outcomes = [Outcome]()
    for start in stride(from: chunk.lowerBound, to: chunk.upperBound, by: loadSize)
    where !state.isStopping {
      let part = start..<min(start + loadSize, chunk.upperBound)
      let new = try load(
        part, of: batch, files: files, firstFile: firstFile, state: state, &timing)
      let begin = ContinuousClock.now
      if new.contains(where: { $0.status == .ok }) {
        maker.runMaps(of: outcomes.count * views..<(outcomes.count + new.count) * views)
      }
      timing.computeSeconds += seconds(since: begin)
      state.add(imageSteps: new.count)
      outcomes += new
    }
    let begin = ContinuousClock.now
    if outcomes.contains(where: { $0.status == .ok }) {
      maker.runRows(count: outcomes.count * views)
    }
    timing.computeSeconds += seconds(since: begin)
    return outcomes
  }

  /// Decodes and transforms the images of `chunk` into the first inputs; after a stop, those
  /// that were begun.
  private func load(
    _ chunk: Range<Int>, of batch: Batch, files: ReadAhead, firstFile: Int, state: WorkState,
    _ timing: inout WorkTiming
  ) throws -> [Outcome] {
    let views = loader.views.count
    let results = Mutex([Outcome?](repeating: nil, count: chunk.count))
    let waited = Mutex(0.0)
    let (maker, loader, writers, imageTimeout) = (maker, loader, writers, imageTimeout)
    let before = writers.clock
    try team.forEach(chunk.count) { slot, worker in
      if state.isStopping { return }
      let item = batch.items[chunk.lowerBound + slot]
      let begin = ContinuousClock.now
      let file = files.take(firstFile + chunk.lowerBound + slot)
      let readSeconds = seconds(since: begin)
      var outcome = Outcome()
      defer { state.end(worker: worker) }
      if let defect = item.defect {
        outcome.message = defect
      } else if batch.isSuspect, (try? file.get()) != nil,
        let verdict = try ImageProbe.verdict(on: item, loader: loader, seconds: imageTimeout)
      {
        outcome.message = verdict
      } else {
        state.begin(
          row: batch.rows.lowerBound + chunk.lowerBound + slot, item.location, worker: worker)
        do throws(ImageError) {
          let writer = writers.all[worker]
          let warning = try loader.load(file, item, with: writer) { view in
            maker.input(slot * views + view, writer.inputLayout)
          }
          outcome = Outcome(status: .ok, message: warning ?? "")
        } catch {
          outcome.message = error.description
          if case .unreadable = error { outcome.isUnreadable = true }
        }
      }
      results.withLock { $0[slot] = outcome }
      waited.withLock { $0 += readSeconds }
      state.add(imageSteps: 1)
    }
    let after = writers.clock
    timing.readSeconds += waited.withLock { $0 }
    timing.decodeSeconds += after.decodeSeconds - before.decodeSeconds
    timing.transformSeconds += after.transformSeconds - before.transformSeconds
    // Threads begin images in order, but one may see the stop that another has just missed.
    return results.withLock { $0.prefix { $0 != nil }.map { $0! } }
  }

  /// Appends one image's row of every layer: the activations, their mean over views, or all views.
  ///
  /// - Returns: how many values became infinite in the store's type.
  private func appendRow(_ slot: Int, isOK: Bool, to data: [RowBlock]) -> Int {
    let views = loader.views.count
    var overflowCount = 0
    for output in layerWidths.indices {
      guard isOK else {
        data[output].appendMissing()
        continue
      }
      switch loader.views {
      case .center, .tenAll:
        for view in 0..<views {
          overflowCount += maker.withRow(output, image: slot * views + view) { row in
            data[output].append(row)
          }
        }
      case .ten:
        // Summed in the order of the views, so that the mean is the same wherever it is made.
        var sum = maker.row(output, image: slot * views)
        for view in 1..<views {
          let row = maker.row(output, image: slot * views + view)
          for i in sum.indices { sum[i] += row[i] }
        }
        for i in sum.indices { sum[i] /= Float(views) }
        overflowCount += data[output].append(sum.span)
      }
    }
    return overflowCount
  }
}
