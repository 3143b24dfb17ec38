internal import Communication
internal import ConvNet
internal import Descriptors
internal import Files
internal import Images
internal import Tensors

/// The images of a list that words are made of, and how many local descriptors of each.
struct DescriptorSample {
  /// What became of the images of all ranks.
  struct Failures {
    /// Images that gave none, and what became of the first.
    var count = 0
    var first: String?
  }

  private let request: CodebookRequest
  private let communicator: any Communicator
  /// Of all ranks, with their rows.
  private let items: [(row: Int, item: BatchItem)]
  private let root: String?
  private let perImage: Int

  /// Images of all ranks.
  var imageCount: Int { items.count }

  /// Chooses the images; collective.
  ///
  /// All of the list, each giving as many descriptors; of a list that is longer than the sample every
  /// so many-th, each giving one.
  ///
  /// - Parameter list: on rank 0.
  init(
    _ list: ImageList?, _ request: CodebookRequest, _ communicator: any Communicator
  ) throws {
    (self.request, self.communicator) = (request, communicator)
    root = list?.absoluteRoot
    var writer = ByteWriter()
    if let list {
      let count = min(list.count, request.sample)
      writer.write((0..<count).map { $0 * list.count / count }) { writer, row in
        let entry = list[row]
        writer.write(Int64(row))
        writer.write(
          BatchItem(location: list.location(of: entry), box: entry.box, defect: entry.defect))
      }
    }
    var bytes = writer.bytes
    try communicator.broadcast(&bytes, root: 0)
    var reader = ByteReader(SharedBytes(bytes))
    items = try reader.array { reader throws(ByteCodecError) in
      (Int(try reader.integer(Int64.self)), try reader.batchItem())
    }
    perImage = items.isEmpty ? 0 : (request.sample + items.count - 1) / items.count
  }

  /// Decodes this rank's images and takes their descriptors; collective.
  ///
  /// - Parameters:
  ///   - start: where to go on; nil to begin.
  ///   - pauses: what may stop it, after every few images.
  /// - Throws: `CodebookStopped`.
  func collect(
    from start: CodebookProgress?, team: ThreadTeam, kernelClass: KernelClass,
    pauses: CodebookCheckpointer?,
    _ progress: (_ phase: String, _ done: Int, _ total: Int) -> Void
  ) throws -> CodebookProgress {
    communicator.activity = Activity(phase: "local descriptors")
    let own = CodebookProgress.images(
      of: communicator.rank, of: communicator.size, count: items.count)
    let found = SampledImages(start, images: own)
    if found.progress.phase != .images { return found.progress }
    let samplers = Samplers(
      all: (0..<team.threadCount).map { _ in
        ImageSampler(request, NetworkKernels(kernelClass), count: perImage)
      })
    let items = items
    // About a second: ranks wait for each other after each.
    let step = 64 * team.threadCount
    while try isAnyMissing(found) {
      let part = found.missing.prefix(step)
      progress("images", own.count - found.missing.count, own.count)
      let results = team.map(part.count) { index, worker in
        let (row, item) = items[part[part.startIndex + index]]
        return samplers.all[worker].descriptors(of: item, row: row)
      }
      for (image, result) in zip(part, results) {
        let (row, item) = items[image]
        found.add(result, of: image, named: "row \(row), \(item.location)")
      }
      found.missing.removeFirst(part.count)
      communicator.activity.images += part.count
      try pauses?.pause { found.progress }
    }
    return found.progress
  }

  private func isAnyMissing(_ found: SampledImages) throws -> Bool {
    var count = [Int64(found.missing.count)]
    try communicator.allreduce(&count, .maximum)
    return count[0] > 0
  }

  /// Counts the failures of all ranks; collective.
  ///
  /// - Throws: `JobFailure` of `CodebookError.noImages`.
  func failures(_ progress: CodebookProgress) throws -> Failures {
    var counts = [Int64(progress.outcomes.count { $0 == CodebookProgress.hasFailed })]
    try communicator.allreduce(&counts, .sum)
    let all: [CodebookProgress.Failure?] = try communicator.exchange([progress.failure]).map {
      $0?.first ?? nil
    }
    let failures = Failures(count: Int(counts[0]), first: all.compactMap(\.self).first?.text)
    try communicator.agree {
      if communicator.isRoot, failures.count == items.count {
        throw CodebookError.noImages(
          count: items.count, example: failures.first ?? "the list is empty", root: root)
      }
    }
    return failures
  }

  private struct Samplers: @unchecked Sendable {
    // Invariant behind `@unchecked`: a thread of the team uses the one of its own number only.
    let all: [ImageSampler]
  }
}

/// What has been taken of one rank's images.
private final class SampledImages {
  /// Numbers of images, among all, that are still to be looked at.
  var missing: [Int]
  private var state: CodebookProgress
  /// Of each image.
  private var pieces: [[Float]]
  private let first: Int

  init(_ start: CodebookProgress?, images: Range<Int>) {
    let state = start ?? CodebookProgress(imageCount: images.count)
    let outcomes = state.outcomes
    (self.state, first) = (state, images.lowerBound)
    pieces = [[Float]](repeating: [], count: images.count)
    missing = images.filter {
      outcomes[$0 - images.lowerBound] == CodebookProgress.isMissing
    }
    let given = outcomes.indices.filter { outcomes[$0] > 0 }
    for (index, piece) in zip(given, state.pieces) { pieces[index] = piece }
  }

  var progress: CodebookProgress {
    var progress = state
    if progress.phase == .images { progress.pieces = pieces.filter { !$0.isEmpty } }
    return progress
  }

  func add(_ result: Result<[Float], ProblemError>, of image: Int, named name: String) {
    switch result {
    case .success(let values):
      pieces[image - first] = values
      state.outcomes[image - first] = values.count / DenseSIFT.width
    case .failure(let failure):
      state.outcomes[image - first] = CodebookProgress.hasFailed
      if state.failure.map({ $0.image > image }) ?? true {
        state.failure = .init(image: image, text: "\(name): \(failure.text)")
      }
    }
  }
}

/// What one thread takes local descriptors of images with.
private final class ImageSampler {
  private let loader: ImageLoader
  private let writer: InputWriter
  private let input: FloatBuffer
  private let sift = DenseSIFT()
  private let seed: UInt64
  private let count: Int

  /// - Parameter count: descriptors wanted of an image.
  init(_ request: CodebookRequest, _ kernels: NetworkKernels, count: Int) {
    let transform = DescriptorKind.llc.transform
    loader = ImageLoader(
      transform: transform, views: .center, decode: request.decode,
      pixelLimit: request.maxMegapixels * 1_000_000, faults: FaultInjection())
    writer = loader.makeWriter(kernels)
    input = FloatBuffer(count: transform.inputLayout.count)
    seed = request.seed
    self.count = count
  }

  /// Some descriptors of an image, chosen by the seed and the row, in the order of the grid.
  func descriptors(of item: BatchItem, row: Int) -> Result<[Float], ProblemError> {
    if let defect = item.defect { return .failure(ProblemError(defect)) }
    do throws(ImageError) {
      _ = try loader.load(ReadAhead.read(item.location), item, with: writer) { _ in
        ImagePlace(FeatureMap(input, writer.inputLayout))
      }
    } catch { return .failure(ProblemError(error.description)) }
    let found = sift.run(FeatureMap(input, writer.inputLayout))
    let width = DenseSIFT.width
    var chance = SeededGenerator(seed: seed, stream: 2 &+ UInt64(row))
    var (values, missing) = ([Float](), min(count, found.count))
    // Knuth, “The Art of Computer Programming”, volume 2, section 3.4.2, algorithm S.
    for i in 0..<found.count where missing > 0 {
      if chance.uniform() * Double(found.count - i) < Double(missing) {
        values += found.values[i * width..<(i + 1) * width]
        missing -= 1
      }
    }
    return .success(values)
  }
}
