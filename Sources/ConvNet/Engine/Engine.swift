package import Tensors

/// Computes a network's activations, a batch of images at a time.
///
/// An image's activations depend on the image alone, bit for bit: not on the batch it sits in, its
/// place there, or the number of threads. The layer fixes the order of every sum, and how a convolution
/// transforms its inputs and outputs. The engine holds the packed weights of convolutions, a
/// workspace a thread, room for the inputs of `inputCapacity` images and the rows of `capacity`; inner
/// products use the network's weights where they lie. Running allocates nothing an image.
///
/// One thread at a time may call `run` or its parts. `setInput` and the readers may be called from
/// several, but not while it runs.
package final class Engine: Sendable {
  /// Most images in a batch.
  package let capacity: Int
  /// Most images whose inputs there is room for at a time.
  package var inputCapacity: Int { inputs.count }
  /// The activations that are computed, in the order of their numbers.
  package let outputs: [BlobName]
  /// The instruction set in use; part of the identity of what is computed.
  package var kernelClass: KernelClass { kernels.kernelClass }
  /// What products are computed in; part of that identity too.
  package var precision: Precision { kernels.bfloat16 == nil ? .fp32 : .bf16 }

  let kernels: EngineKernels
  let team: ThreadTeam
  let plan: EnginePlan
  private let inputs: [ImagePlace]
  /// Their maps, as steps read them.
  let inputMaps: [FeatureMap]
  /// One a thread of the team.
  let workspaces: [Workspace]
  let rowScratch: RowScratch
  let tallies: [StepTally]

  /// Version of the order and rounding of what is computed: stores made with different versions may
  /// differ in their last bits.
  package static let arithmeticVersion = 4

  /// Packs the weights and makes the buffers, on the team's threads.
  ///
  /// - Parameters:
  ///   - outputs: the activations wanted, without doubles; only layers they need are computed.
  ///   - capacity: most images in a batch, at least 1.
  ///   - inputCapacity: most of them whose inputs are set at a time; nil for all.
  ///   - precision: what convolutions and inner products multiply.
  ///   - kernelClass: nil for `KernelClass.current`.
  /// - Throws: `ModelError.unreachableBlob` for an output that the weights do not reach;
  ///   `KernelError` when `DECAF_KERNEL` or `kernelClass` names what this processor cannot run;
  ///   `PrecisionError` when it cannot compute in `precision`.
  package convenience init(
    model: Model, outputs: [BlobName], capacity: Int, inputCapacity: Int? = nil,
    precision: Precision = .fp32, team: ThreadTeam, kernelClass: KernelClass? = nil
  ) throws {
    let chosen = try kernelClass ?? KernelClass.current
    guard KernelClass.supported.contains(chosen) else {
      throw KernelError.unsupportedClass(chosen, supported: KernelClass.supported)
    }
    let kernels = EngineKernels(chosen, bfloat16: try precision.bfloat16Kernels())
    for blob in outputs { try model.requireReachable(blob) }
    self.init(
      network: model.network, outputs: outputs, capacity: capacity, inputCapacity: inputCapacity,
      kernels: kernels, team: team)
  }

  /// As above, of any network and with any kernels.
  ///
  /// - Precondition: the network has the outputs.
  init(
    network: Network, outputs: [BlobName], capacity: Int, inputCapacity: Int? = nil,
    kernels: EngineKernels, team: ThreadTeam
  ) {
    precondition(capacity >= 1, "a batch needs room for an image")
    precondition(!outputs.isEmpty && Set(outputs).count == outputs.count, "outputs without doubles")
    self.capacity = capacity
    self.outputs = outputs
    self.kernels = kernels
    self.team = team
    var planner = EnginePlanner(
      network, outputs: outputs, capacity: capacity, kernels: kernels, team: team)
    let plan = planner.makePlan(outputs: outputs)
    self.plan = plan
    let layout = plan.layouts[0]
    let inputCount = inputCapacity ?? capacity
    precondition(inputCount >= 1 && inputCount <= capacity, "room for some images' inputs")
    let buffer = FloatBuffer(count: inputCount * layout.count)
    inputs = (0..<inputCount).map {
      ImagePlace(
        FeatureMap(buffer, at: $0 * layout.count, layout), folding: plan.inputFolding)
    }
    inputMaps = inputs.map(\.map)
    workspaces = (0..<team.threadCount).map { _ in plan.makeWorkspace() }
    rowScratch = RowScratch(plan.rowSteps, count: capacity)
    tallies = (0..<team.threadCount).map { _ in
      StepTally(count: plan.mapSteps.count + plan.rowSteps.count)
    }
  }

  /// Sets the input `number`; threads may do so for different ones at once.
  ///
  /// - Parameter values: C×H×W; of the architectures 3×227×227, B, G, R, mean subtracted.
  package func setInput(_ number: Int, _ values: [Float]) {
    inputs[number].setChannelsFirst(values.span)
  }

  /// The place of the input `number`, to be written before `run`; see `InputWriter`. Threads may write
  /// different ones at once.
  package func input(_ number: Int) -> ImagePlace { inputs[number] }

  /// Computes the outputs of the batch's first `count` images, whose inputs are all set.
  package func run(count: Int) {
    runMaps(of: 0..<count)
    runRows(count: count)
  }

  /// Takes some of the batch's images, whose inputs are the first ones, as far as there are maps.
  /// Inputs may be set anew afterwards; once all of the batch's images have come this far,
  /// `runRows` ends the work.
  package func runMaps(of images: Range<Int>) {
    let count = images.count
    precondition(
      images.lowerBound >= 0 && images.upperBound <= capacity && count <= inputCapacity,
      "images \(images) of a batch of \(capacity), with \(inputCapacity) inputs")
    if count < team.threadCount {
      // Fewer images than threads: all threads work on the same ones.
      forEachPart(of: images, size: EnginePlan.chunkSize) {
        run($0, of: images, worker: 0, team)
      }
    } else {
      let size = min(EnginePlan.chunkSize, (count + team.threadCount - 1) / team.threadCount)
      team.forEach((count + size - 1) / size) { chunk, worker in
        let start = images.lowerBound + chunk * size
        run(start..<min(start + size, images.upperBound), of: images, worker: worker)
      }
    }
  }

  /// Ends the work on the batch's first `count` images, which `runMaps` has seen.
  package func runRows(count: Int) {
    precondition(count >= 0 && count <= capacity, "\(count) images in a batch of \(capacity)")
    for (i, step) in plan.rowSteps.enumerated() {
      tallies[0].measure(plan.mapSteps.count + i, threads: team.threadCount) {
        step.run(count: count, team, scratch: rowScratch)
      }
    }
  }

  func forEachPart(of images: Range<Int>, size: Int, _ body: (Range<Int>) -> Void) {
    for start in stride(from: images.lowerBound, to: images.upperBound, by: size) {
      body(start..<min(start + size, images.upperBound))
    }
  }

  /// Takes the images, of those whose inputs are set, through the map stages.
  private func run(
    _ images: Range<Int>, of all: Range<Int>, worker: Int, _ sharing: ThreadTeam? = nil
  ) {
    let chunk = Chunk(
      images: images, inputs: inputMaps, firstInput: all.lowerBound, workspaces: workspaces,
      worker: worker, team: sharing)
    for stage in plan.mapStages {
      forEachPart(of: images, size: stage.imagesAtOnce) { taken in
        for part in stage.parts {
          tallies[worker].measure(part.step, threads: sharing?.threadCount ?? 1) {
            plan.mapSteps[part.step].run(taken, part: part, of: chunk, kernels.float)
          }
        }
      }
    }
  }

  /// Activations of one image of the output.
  package func width(ofOutput output: Int) -> Int { plan.outputs[output].width }

  /// A copy of the activations of the batch's image `image`, C×H×W.
  package func row(_ output: Int, image: Int) -> [Float] {
    let rows = plan.outputs[output]
    return rows.buffer.floats(rows.range(ofRow: image))
  }

  /// Calls `body` with the activations of the batch's image `image`, C×H×W.
  package func withRow<R, E: Error>(
    _ output: Int, image: Int, _ body: (Span<Float>) throws(E) -> R
  ) throws(E) -> R {
    let rows = plan.outputs[output]
    return try rows.buffer.withSpan(rows.range(ofRow: image), body)
  }
}
