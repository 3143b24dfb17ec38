import Files
import Formats
import Foundation
import Tensors
import TestSupport
import Testing

@testable import ConvNet

@Suite struct EngineTests {
  /// Random weights; the numbers of images reach 150.
  private static func makeModel(
    _ architecture: Architecture, through last: String? = nil
  ) throws -> Model {
    try Model(
      architecture: architecture,
      parameters: SlowNetwork.parameters(
        of: NetworkDefinition(architecture, through: last), inputScale: 100))
  }

  private static let caffenet = Result { try makeModel(.caffenet) }
  private static let convolutions = Result { try makeModel(.caffenet, through: "conv5") }

  /// An image as the input transform makes them, 3×227×227.
  private static func image(_ seed: UInt64) -> [Float] {
    SlowKernels.random(3 * 227 * 227, seed: seed, in: -120...150)
  }

  /// Rows by image of all outputs of one batch.
  private static func run(_ engine: Engine, _ images: [[Float]]) -> [[[Float]]] {
    for (i, image) in images.enumerated() { engine.setInput(i, image) }
    engine.run(count: images.count)
    return images.indices.map { i in
      engine.outputs.indices.map { engine.row($0, image: i) }
    }
  }

  /// Both sides round every sum's terms, in other ways; a fifth of what the design allows.
  private static let tolerance: Float = 2e-5

  @Test(arguments: [Architecture.caffenet, .alexnet])
  func everyBlobAgreesWithExplicitLoops(_ architecture: Architecture) throws {
    let model =
      try architecture == .caffenet
      ? Self.caffenet.get() : Self.makeModel(architecture, through: "conv3")
    let expected = SlowNetwork.blobs(model.network, Self.image(1))
    let team = ThreadTeam(threadCount: 2)
    for kernelClass in KernelClass.supported {
      let engine = try Engine(
        model: model, outputs: model.reachableBlobs, capacity: 1, team: team,
        kernelClass: kernelClass)
      let rows = Self.run(engine, [Self.image(1)])[0]
      for (blob, row) in zip(engine.outputs, rows) {
        let expected = try #require(expected[blob])
        try #require(row.count == expected.count)
        let largest = expected.map(abs).max()!
        let difference = zip(row, expected).map { abs($0 - $1) }.max()!
        #expect(largest > 0)
        #expect(difference <= Self.tolerance * largest, "\(blob), \(kernelClass)")
      }
    }
  }

  @Test func activationsDependOnTheImageAlone() throws {
    let model = try Self.caffenet.get()
    let outputs = try ["data", "conv2", "pool5", "fc6:pre", "fc7", "fc8", "prob"].map {
      try BlobName(parsing: $0)
    }
    let images = (0..<9).map { Self.image(UInt64($0)) }
    let engine = try Engine(
      model: model, outputs: outputs, capacity: 9, team: ThreadTeam(threadCount: 3))
    let expected = Self.run(engine, images)
    #expect(expected[0][2] != expected[1][2])
    #expect(expected[0][0] == images[0])
    // Other places, after other images.
    #expect(Self.run(engine, images.reversed()) == expected.reversed())
    // Other batch sizes.
    for range in [0..<1, 3..<5, 2..<9] {
      #expect(Self.run(engine, Array(images[range])) == Array(expected[range]))
    }
    // Another capacity and number of threads.
    for (capacity, threads) in [(1, 1), (2, 2)] {
      let other = try Engine(
        model: model, outputs: outputs, capacity: capacity, team: ThreadTeam(threadCount: threads))
      #expect(Self.run(other, [images[4]]) == [expected[4]])
    }
    // Inputs that are set a few at a time.
    let few = try Engine(
      model: model, outputs: outputs, capacity: 9, inputCapacity: 4,
      team: ThreadTeam(threadCount: 2))
    #expect(few.inputCapacity == 4)
    for part in [0..<4, 4..<5, 5..<9] {
      for (number, image) in images[part].enumerated() { few.setInput(number, image) }
      few.runMaps(of: part)
    }
    few.runRows(count: 9)
    let rows = images.indices.map { i in outputs.indices.map { few.row($0, image: i) } }
    let areEqual = rows == expected
    #expect(areEqual)
  }

  /// A file has inner products' weights in panels too: used, they change no bit; damaged, they are
  /// told; of other weights, they are left aside.
  @Test func panelsDoNotShow() throws {
    let model = try Self.caffenet.get()
    let outputs = try ["pool5", "fc6", "fc7", "fc8"].map { try BlobName(parsing: $0) }
    let images = (0..<5).map { Self.image(UInt64($0)) }
    let team = ThreadTeam(threadCount: 3)
    let run = { (model: Model, capacity: Int) in
      Self.run(
        try Engine(model: model, outputs: outputs, capacity: capacity, team: team),
        Array(images.prefix(capacity)))
    }
    let expected = try run(model, images.count)
    try withTemporaryFolder { folder in
      let path = folder + "/net.safetensors"
      try model.write(to: path)
      let stored = try Model.open(path)
      for layer in ["fc6", "fc7", "fc8"] { #expect(stored.storedParameters(layer).panels != nil) }
      try stored.checkPanels()
      #expect(stored.weightsSHA256 == model.weightsSHA256)
      for capacity in [1, 2, 5] {
        #expect(try run(stored, capacity) == Array(expected.prefix(capacity)))
      }

      let file = try SafetensorsFile(path)
      let change = { (tensor: String) in
        let place = try #require(file.tensor(named: tensor)).range.upperBound - 2
        let handle = try FileHandle(forUpdating: URL(filePath: path))
        try handle.seek(toOffset: UInt64(place))
        let byte = try #require(try handle.read(upToCount: 1)?.first)
        try handle.seek(toOffset: UInt64(place))
        try handle.write(contentsOf: [byte ^ 1])
        try handle.close()
      }
      try change("fc7.panels")
      let damaged = #expect(throws: ModelError.self) { try Model.open(path).checkPanels() }
      guard case .differingPanels(layer: "fc7", path: path)? = damaged else {
        Issue.record("found \(String(describing: damaged))")
        return
      }
      try change("fc7.panels")
      try Model.open(path).checkPanels()
      try change("conv3.weight")
      let edited = try Model.open(path)
      #expect(edited.storedParameters("fc7").panels == nil)
      #expect(edited.warnings.count == 1 && edited.warnings[0].contains("panels"))
      try edited.write(to: path)
      let anew = try Model.open(path)
      #expect(anew.storedParameters("fc7").panels != nil && anew.warnings.isEmpty)
      #expect(anew.weightsSHA256 == edited.weightsSHA256)

      var parameters = [String: LayerParameters]()
      for layer in NetworkDefinition(.caffenet).parameterLayerNames {
        parameters[layer] = anew.storedParameters(layer)
      }
      parameters["fc8"] = LayerParameters(
        anew.storedParameters("fc8").blobs, panels: StoredFloats([1, 2]))
      let misshapen = try Model(
        architecture: .caffenet, parameters: parameters,
        origin: .init(panelsDigest: anew.weightsSHA256.hexadecimal))
      #expect(misshapen.storedParameters("fc6").panels == nil && misshapen.warnings.count == 1)
    }
  }

  @Test func otherOutputsDoNotShow() throws {
    let model = try Self.caffenet.get()
    let team = ThreadTeam(threadCount: 2)
    let all = try Engine(model: model, outputs: model.reachableBlobs, capacity: 1, team: team)
    let expected = Self.run(all, [Self.image(3)])[0]
    for name in ["data", "conv1", "conv4:pre", "norm2", "pool5", "fc6", "fc7:pre", "prob"] {
      let blob = try BlobName(parsing: name)
      let engine = try Engine(model: model, outputs: [blob], capacity: 1, team: team)
      let index = try #require(all.outputs.firstIndex(of: blob))
      #expect(Self.run(engine, [Self.image(3)])[0][0] == expected[index], "\(name)")
      #expect(engine.width(ofOutput: 0) == expected[index].count)
    }
  }

  @Test func fusedClassesAgreeBitForBit() throws {
    let model = try Self.caffenet.get()
    let team = ThreadTeam(threadCount: 2)
    var results = [[[Float]]]()
    for kernelClass in KernelClass.supported where kernelClass != .baseline {
      let engine = try Engine(
        model: model, outputs: model.reachableBlobs, capacity: 1, team: team,
        kernelClass: kernelClass)
      results.append(Self.run(engine, [Self.image(5)])[0])
    }
    if let shape = NetworkKernels.avx512Shape {
      let engine = Engine(
        network: model.network, outputs: model.reachableBlobs, capacity: 1,
        kernels: EngineKernels(.avx512, float: shape), team: team)
      results.append(Self.run(engine, [Self.image(5)])[0])
    }
    #expect(results.allSatisfy { $0 == results.first })
  }

  private static func bfloat16Engine(
    _ model: Model, _ outputs: [String], capacity: Int, threads: Int = 2, _ tiles: BFloat16Kernels
  ) throws -> Engine {
    Engine(
      network: model.network, outputs: try outputs.map { try BlobName(parsing: $0) },
      capacity: capacity,
      kernels: EngineKernels(KernelClass.supported.last!, bfloat16: tiles),
      team: ThreadTeam(threadCount: threads))
  }

  /// Relative distance of two rows.
  private static func distance(_ a: [Float], _ b: [Float]) -> Float {
    let squares = zip(a, b).reduce((0, 0) as (Float, Float)) { sums, pair in
      (sums.0 + (pair.0 - pair.1) * (pair.0 - pair.1), sums.1 + pair.1 * pair.1)
    }
    return (squares.0 / squares.1).squareRoot()
  }

  /// Rounding to 8 bits moves a factor by 1e-3 of itself on average; the layers add up to 3.2e-3 on
  /// photographs. The design allows 5e-3. conv1 is not rounded.
  @Test func bfloat16IsNearFloat() throws {
    let model = try Self.caffenet.get()
    let names = ["conv1", "conv2", "conv3", "pool5", "fc7", "fc8"]
    let images = [Self.image(1), Self.image(2)]
    let engine = try Self.bfloat16Engine(model, names, capacity: 2, .emulated)
    #expect(engine.precision == .bf16)
    let rounded = Self.run(engine, images)
    let plain = try Engine(
      model: model, outputs: engine.outputs, capacity: 2, team: ThreadTeam(threadCount: 2))
    #expect(plain.precision == .fp32)
    for (found, expected) in zip(rounded, Self.run(plain, images)) {
      let isExact = found[0] == expected[0]
      #expect(isExact)
      for (found, expected) in zip(found, expected).dropFirst() {
        let distance = Self.distance(found, expected)
        #expect(distance > 1e-4 && distance <= 5e-3)
      }
    }
    if let native = BFloat16Kernels.native {
      let areEqual =
        try Self.run(Self.bfloat16Engine(model, names, capacity: 2, native), images) == rounded
      #expect(areEqual)
    }
  }

  @Test func bfloat16ActivationsDependOnTheImageAlone() throws {
    let model = try Self.caffenet.get()
    let tiles = BFloat16Kernels.native ?? .emulated
    let images = (0..<3).map { Self.image(UInt64($0)) }
    let names = ["conv2", "fc6:pre", "prob"]
    let expected = Self.run(
      try Self.bfloat16Engine(model, names, capacity: 3, threads: 1, tiles), images)
    let one = try Self.bfloat16Engine(model, names, capacity: 1, threads: 2, tiles)
    for (image, expected) in zip(images, expected) {
      let isEqual = Self.run(one, [image]) == [expected]
      #expect(isEqual)
    }
  }

  @Test func bfloat16IsRefusedWhereThereIsNoAMX() throws {
    let model = try Self.convolutions.get()
    let make = {
      try Engine(
        model: model, outputs: [.data], capacity: 1, precision: .bf16,
        team: ThreadTeam(threadCount: 1))
    }
    if BFloat16Kernels.native == nil {
      #expect(throws: PrecisionError.unavailable) { try make() }
    } else {
      #expect(try make().precision == .bf16)
    }
  }

  @Test func anEmptyBatchIsNothing() throws {
    let engine = try Engine(
      model: try Self.convolutions.get(), outputs: [BlobName(parsing: "pool5")], capacity: 2,
      team: ThreadTeam(threadCount: 2))
    engine.run(count: 0)
    #expect(engine.row(0, image: 1).allSatisfy { $0 == 0 })
  }

  @Test func blobsThatTheWeightsDoNotReachAreRefused() throws {
    let model = try Self.convolutions.get()
    let fc6 = try BlobName(parsing: "fc6")
    let error = #expect(throws: ModelError.self) {
      try Engine(model: model, outputs: [fc6], capacity: 1, team: ThreadTeam(threadCount: 1))
    }
    guard case .unreachableBlob(fc6, _, _) = error else {
      Issue.record("unexpected \(String(describing: error))")
      return
    }
  }

  @Test func classesThatTheProcessorLacksAreRefused() throws {
    let model = try Self.convolutions.get()
    for kernelClass in KernelClass.allCases where !KernelClass.supported.contains(kernelClass) {
      #expect(
        throws: KernelError.unsupportedClass(kernelClass, supported: KernelClass.supported)
      ) {
        try Engine(
          model: model, outputs: [.data], capacity: 1, team: ThreadTeam(threadCount: 1),
          kernelClass: kernelClass)
      }
    }
  }

  @Test func measuringNamesEveryLayer() throws {
    let engine = try Engine(
      model: try Self.caffenet.get(), outputs: [BlobName(parsing: "fc7")], capacity: 1,
      team: ThreadTeam(threadCount: 1))
    let times = engine.measure(count: 1)
    let layers = [
      "conv1", "pool1", "norm1", "conv2", "pool2", "norm2", "conv3", "conv4",
      "conv5", "pool5",
      "pool5 rows", "fc6", "fc7",
    ]
    #expect(times.map(\.layer) == layers)
    #expect(times.allSatisfy { $0.seconds >= 0 })
  }

  /// The points of the tiles are 77, 51 and 19 an axis.
  @Test func measuringProductsCountsThemAndChangesNothing() throws {
    let engine = try Engine(
      model: try Self.caffenet.get(), outputs: [BlobName(parsing: "fc7")], capacity: 2,
      team: ThreadTeam(threadCount: 1))
    let expected = Self.run(engine, [Self.image(1), Self.image(2)])
    let times = engine.measureProducts(count: 2)
    #expect(times.map(\.layer) == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"])
    let multiplyAdds = [
      77 * 77 * 48 * 96, 51 * 51 * 48 * 256, 19 * 19 * 256 * 384, 19 * 19 * 192 * 384,
      19 * 19 * 192 * 256, 9216 * 4096, 4096 * 4096,
    ]
    #expect(times.map(\.multiplyAdds) == multiplyAdds.map { 2 * $0 })
    #expect(times.allSatisfy { $0.seconds > 0 })
    #expect((0..<2).map { [engine.row(0, image: $0)] } == expected)
  }
}
