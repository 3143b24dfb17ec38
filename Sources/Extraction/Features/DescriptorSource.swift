package import ConvNet
package import Descriptors
package import FeatureStore
package import Files
internal import Synchronization
package import Tensors

/// A hand-made descriptor, as a user names it.
package struct DescriptorChoice: Equatable, Sendable {
  package let kind: DescriptorKind
  /// The file of its codebook; nil for none.
  package let codebook: String?

  package init(_ kind: DescriptorKind, codebook: String?) {
    (self.kind, self.codebook) = (kind, codebook)
  }
}

/// A hand-made descriptor of images.
package struct DescriptorSource: FeatureSource {
  private let descriptor: any Descriptor
  package let recipe: FeatureRecipe
  package let options: RecipeOptions
  package let path: String

  package var layers: [LayerSpec] {
    [LayerSpec(name: descriptor.name, fileStem: descriptor.name, shape: [descriptor.width])]
  }
  package var arithmeticVersion: Int { descriptor.arithmeticVersion }
  package var knownDigest: Model.KnownDigest? { nil }
  package var inputs: [InputFile] { descriptor.inputs }
  package var warnings: [String] { [] }
  package var title: String {
    path.isEmpty
      ? descriptor.name
      : "\(descriptor.name), codebook \(path), words \(recipe.model.sha256.prefix(12))…"
  }

  /// - Throws: as `DescriptorKind.open`.
  package init(_ choice: DescriptorChoice, _ options: RecipeOptions) throws {
    let descriptor = try choice.kind.open(codebook: choice.codebook)
    self.descriptor = descriptor
    path = choice.codebook ?? ""
    recipe = try options.completed(by: descriptor)
    self.options = options
  }

  package func makeMaker(
    capacity: Int, inputCapacity: Int, team: ThreadTeam, kernelClass: KernelClass
  ) throws -> any FeatureMaker {
    DescriptorMaker(
      descriptor, capacity: capacity, inputCapacity: inputCapacity, team: team,
      kernelClass: kernelClass)
  }
}

/// A descriptor's workers, one a thread, with their inputs and rows.
final class DescriptorMaker: FeatureMaker {
  private let name: String
  private let width: Int
  private let capacity: Int
  /// Floats that an input has room for.
  private let room: Int
  private let inputs: FloatBuffer
  private let rows: FloatBuffer
  private let team: ThreadTeam
  private let workers: Workers
  /// Of the inputs that are there and not yet taken.
  private let layouts: Mutex<[MapLayout?]>
  private let seconds = Mutex(0.0)

  private struct Workers: @unchecked Sendable {
    // Invariant behind `@unchecked`: a thread of the team uses the one of its own number only.
    let all: [any DescriptorWorker]
  }

  init(
    _ descriptor: any Descriptor, capacity: Int, inputCapacity: Int, team: ThreadTeam,
    kernelClass: KernelClass
  ) {
    (name, width, self.capacity) = (descriptor.name, descriptor.width, capacity)
    room = descriptor.transform.inputLayout.count
    inputs = FloatBuffer(count: room * inputCapacity)
    rows = FloatBuffer(count: width * capacity)
    layouts = Mutex([MapLayout?](repeating: nil, count: inputCapacity))
    self.team = team
    workers = Workers(all: descriptor.makeWorkers(team.threadCount, kernelClass: kernelClass))
  }

  func input(_ number: Int, _ layout: MapLayout) -> ImagePlace {
    precondition(layout.count <= room, "an image larger than the transform makes it")
    layouts.withLock { $0[number] = layout }
    return ImagePlace(FeatureMap(inputs, at: number * room, layout))
  }

  func runMaps(of images: Range<Int>) {
    precondition(images.upperBound <= capacity, "images beyond the batch")
    let taken = layouts.withLock { layouts in
      defer { for slot in 0..<images.count { layouts[slot] = nil } }
      return Array(layouts[..<images.count])
    }
    team.forEach(images.count) { [self] slot, worker in
      guard let layout = taken[slot] else { return }
      let begin = ContinuousClock.now
      workers.all[worker].run(
        FeatureMap(inputs, at: slot * room, layout), into: rows,
        at: (images.lowerBound + slot) * width)
      let elapsed = (ContinuousClock.now - begin) / .seconds(1)
      seconds.withLock { $0 += elapsed }
    }
  }

  func runRows(count: Int) {}

  func row(_ output: Int, image: Int) -> [Float] {
    rows.floats(image * width..<(image + 1) * width)
  }

  func withRow<R, E: Error>(
    _ output: Int, image: Int, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    try rows.withSpan(image * width..<(image + 1) * width, body)
  }

  func takeTimes() -> [LayerTime] {
    [
      LayerTime(
        layer: name,
        seconds: seconds.withLock { seconds in
          defer { seconds = 0 }
          return seconds
        })
    ]
  }
}
