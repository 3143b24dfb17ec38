internal import Communication
internal import ConvNet
internal import Descriptors
internal import Files
internal import Images
internal import Tensors

/// The images of a list that words are made of, and how many local descriptors of each.
struct DescriptorSample {
  /// Local descriptors of this rank's images.
  struct Points {
    /// `n×128`, in the order of the list.
    var values: [Float] = []
    /// Images of all ranks that gave none, and what became of the first.
    var failedImages = 0
    var firstFailure: String?
  }

  private let request: CodebookRequest
  private let communicator: any Communicator
  /// Of all ranks, with their rows.
  private let items: [(row: Int, item: BatchItem)]
  private let root: String?
  private let perImage: Int

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
  /// - Throws: `JobFailure` of `CodebookError.noImages`.
  func collect(
    team: ThreadTeam, kernelClass: KernelClass,
    _ progress: (_ phase: String, _ done: Int, _ total: Int) -> Void
  ) throws -> Points {
    communicator.activity = Activity(phase: "local descriptors")
    let (rank, size) = (communicator.rank, communicator.size)
    let own = items[items.count * rank / size..<items.count * (rank + 1) / size]
    let samplers = Samplers(
      all: (0..<team.threadCount).map { _ in
        ImageSampler(request, NetworkKernels(kernelClass), count: perImage)
      })
    var points = Points()
    var failures: [(row: Int, message: String)] = []
    let step = 16 * team.threadCount
    for start in stride(from: own.startIndex, to: own.endIndex, by: step) {
      progress("images", start - own.startIndex, own.count)
      let part = own[start..<min(start + step, own.endIndex)]
      let found = team.map(part.count) { index, worker in
        let (row, item) = part[part.startIndex + index]
        return samplers.all[worker].descriptors(of: item, row: row)
      }
      for (index, result) in found.enumerated() {
        switch result {
        case .success(let values): points.values += values
        case .failure(let failure):
          let (row, item) = part[part.startIndex + index]
          failures.append((row, "row \(row), \(item.location): \(failure.text)"))
        }
      }
      communicator.activity.images += part.count
    }
    try share(failures, in: &points)
    return points
  }

  /// Counts the failures of all ranks; collective.
  private func share(_ failures: [(row: Int, message: String)], in points: inout Points) throws {
    var counts = [Int64(failures.count)]
    try communicator.allreduce(&counts, .sum)
    points.failedImages = Int(counts[0])
    let first = try communicator.gather(Array((failures.first?.message ?? "").utf8), root: 0)
    var text = first.first { !$0.isEmpty } ?? []
    try communicator.broadcast(&text, root: 0)
    if !text.isEmpty { points.firstFailure = String(decoding: text, as: UTF8.self) }
    try communicator.agree {
      if communicator.isRoot, points.failedImages == items.count {
        throw CodebookError.noImages(
          count: items.count, example: points.firstFailure ?? "the list is empty", root: root)
      }
    }
  }

  private struct Samplers: @unchecked Sendable {
    // Invariant behind `@unchecked`: a thread of the team uses the one of its own number only.
    let all: [ImageSampler]
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
