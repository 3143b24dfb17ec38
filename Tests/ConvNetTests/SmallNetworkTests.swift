import Tensors
import TestSupport
import Testing

@testable import ConvNet

/// Networks other than the architectures: a list of layers is all it takes.
@Suite struct SmallNetworkTests {
  /// A ReLU that no step before it can do, one behind dropout's place, and maps small enough for a
  /// second.
  private static let definition = NetworkDefinition(
    input: BlobShape(16, 13, 13),
    layers: [
      ("conv1", ConvolutionLayer(outputs: 32, kernelSize: 3, padding: 1, groups: 1)),
      ("norm1", LocalResponseNormalizationLayer(localSize: 5, alpha: 1e-2, beta: 0.75, k: 2)),
      ("drop1", DropoutLayer()),
      ("pool1", PoolingLayer(kernelSize: 3, stride: 2)),
      ("relu1", ReLULayer()),
      ("fc2", InnerProductLayer(outputs: 48)),
      ("relu2", ReLULayer()),
      ("drop2", DropoutLayer()),
      ("fc3", InnerProductLayer(outputs: 10)),
      ("prob", SoftmaxLayer()),
    ])

  @Test func blobsFollowTheList() {
    let blobs = Self.definition.blobs
    #expect(
      blobs.map(\.description) == [
        "data", "conv1", "norm1", "pool1:pre", "pool1", "fc2:pre", "fc2", "fc3", "prob",
      ])
    #expect(
      blobs.map { Self.definition.shape(of: $0).dimensions } == [
        [16, 13, 13], [32, 13, 13], [32, 13, 13], [32, 6, 6], [32, 6, 6], [48], [48], [10], [10],
      ])
    #expect(Self.definition.lastActivation == BlobName("fc3"))
  }

  /// All activations together, and each alone, when more is done in place or on the way.
  @Test func activationsAgreeWithExplicitLoops() throws {
    let network = try Network(
      Self.definition, parameters: SlowNetwork.parameters(of: Self.definition))
    let image = SlowKernels.random(16 * 13 * 13, seed: 1, in: -2...2)
    let expected = SlowNetwork.blobs(network, image)
    let team = ThreadTeam(threadCount: 2)
    for kernelClass in KernelClass.supported {
      for outputs in [Self.definition.blobs] + Self.definition.blobs.map({ [$0] }) {
        let engine = Engine(
          network: network, outputs: outputs, capacity: 3,
          kernels: EngineKernels(kernelClass), team: team)
        for number in 0..<3 { engine.setInput(number, image) }
        engine.run(count: 3)
        for (i, blob) in outputs.enumerated() {
          let largest = expected[blob]!.map(abs).max()!
          let row = engine.row(i, image: 2)
          try #require(row.count == expected[blob]!.count)
          // As in `EngineTests`: both sides round every sum's terms, in other ways.
          let isClose = zip(row, expected[blob]!).allSatisfy { abs($0 - $1) <= 2e-5 * largest }
          #expect(isClose, "\(blob) of \(outputs.count), \(kernelClass)")
        }
      }
    }
  }

  @Test func parametersAreCompared() throws {
    var parameters = SlowNetwork.parameters(of: Self.definition)
    parameters["fc3"] = nil
    guard
      case .missingLayer("fc3", _, ["conv1", "fc2"], _)? =
        #expect(
          throws: ModelError.self,
          performing: { try Network(Self.definition, parameters: parameters) })
    else {
      Issue.record("a layer without weights was accepted")
      return
    }
  }

  @Test func everyKindHasANameOfItsOwnInBothFormats() {
    let types = LayerKinds.caffeTypes
    #expect(types.map(\.name).contains("Convolution"))
    #expect(Set(types.map(\.name)).count == types.count)
    #expect(Set(types.map(\.settingsName)).count == types.count)
    for type in types {
      if let number = type.v1Number { #expect(CaffeModel.v1Types[number] == type.name) }
    }
    #expect(CaffeModel.Fields.v2.settings[106] == [3, 4, 5, 6, 18])
    #expect(
      Set(CaffeModel.Fields.v2.settings.keys)
        == [106, 117, 118, 121, 123, 124, 125, 127, 131, 135, 139, 142])
    #expect(
      Set(CaffeModel.Fields.v1.settings.keys) == [10, 17, 18, 19, 30, 37, 38, 39])
  }
}

@Suite struct LineWindowTests {
  /// By trying: a line is there when the last input line it reads is.
  @Test(arguments: [(1, 1, 0), (3, 2, 0), (3, 2, 1), (2, 2, 0), (5, 1, 2), (3, 3, 1)])
  func linesAreThoseWhoseInputIsThere(size: Int, stride: Int, padding: Int) {
    let window = LineWindow(size: size, stride: stride, padding: padding)
    for count in 0..<20 {
      let expected = (0..<40).prefix { stride * $0 - padding + size <= count }.count
      #expect(window.lines(from: count) == expected)
    }
  }

  /// Strips of a convolution, then lines of pooling and normalization as soon as they can be made.
  @Test func stepsTakeTurns() {
    let pool = LineStep(
      layer: "pool", from: 0, to: 1, window: LineWindow(size: 3, stride: 2)
    ) { _, _, _, _ in }
    let norm = LineStep(layer: "norm", from: 1, to: 2, window: .pointwise) { _, _, _, _ in }
    let strips = StripStep(from: 3, to: 0, height: 4)
    let stage = MapStage(0..<3, of: [strips, pool, norm], heights: [10, 5, 5, 1])
    #expect(
      stage.parts == [
        StepPart(step: 0, number: 0, lines: 0..<4), StepPart(step: 1, number: 0, lines: 0..<1),
        StepPart(step: 2, number: 0, lines: 0..<1), StepPart(step: 0, number: 1, lines: 4..<8),
        StepPart(step: 1, number: 1, lines: 1..<3), StepPart(step: 2, number: 1, lines: 1..<3),
        StepPart(step: 0, number: 2, lines: 8..<10), StepPart(step: 1, number: 2, lines: 3..<5),
        StepPart(step: 2, number: 2, lines: 3..<5),
      ])
  }

  /// Makes its map a few lines at a time.
  private struct StripStep: MapStep {
    let layer = "strips"
    let from: Int
    let to: Int
    let height: Int

    func nextLines(_ progress: MapProgress, from input: MapProgress) -> Range<Int>? {
      progress.lines..<min(progress.lines + height, progress.height)
    }

    func run(_ images: Range<Int>, part: StepPart, of chunk: Chunk, _ kernels: NetworkKernels) {}
  }
}
