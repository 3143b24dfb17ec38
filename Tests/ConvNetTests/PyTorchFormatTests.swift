import Formats
import TestSupport
import Testing

@testable import ConvNet
@testable import Tensors

/// `.pth` files: the numbers of every form, and refusals that name what is refused.
@Suite struct PyTorchFormatTests {
  private static let model = Result {
    try Model.generate(
      architecture: Architecture(rawValue: "torchvision")!, seed: 6, through: "features.3")
  }

  private func writer(_ prefix: String = "") throws -> TorchWriter {
    let model = try Self.model.get()
    return TorchWriter(
      model.definition.layers.flatMap { layer in
        layer.hasParameters
          ? zip(layer.parameters, model.storedParameters(layer.name).blobs).map {
            TorchWriter.Tensor("\(prefix)\(layer.name).\($0.name)", $0.shape, $1.floats())
          } : []
      })
  }

  private func open(_ bytes: [UInt8]) throws -> Model {
    try withTemporaryFolder { folder in
      try Model.open(writeTestFile(bytes, "weights", in: folder))
    }
  }

  @Test(arguments: [false, true], [TorchWriter.Storage.float, .double])
  func everyFormGivesTheNumbers(isLegacy: Bool, storage: TorchWriter.Storage) throws {
    var writer = try writer("module.")
    (writer.isLegacy, writer.storage) = (isLegacy, storage)
    let wraps: [@Sendable (PickleObject) -> PickleObject] = [
      { $0 },
      { .dictionary([("epoch", .integer(90)), ("state_dict", $0), ("arch", .text("alexnet"))]) },
      { .build($0, .dictionary([("_metadata", .none)])) },
    ]
    for wrap in wraps {
      writer.wrap = wrap
      let model = try open(writer.bytes)
      #expect(try model.weightsSHA256 == Self.model.get().weightsSHA256)
      #expect(model.architecture.rawValue == "torchvision")
      #expect(model.warnings.isEmpty)
    }
  }

  /// Other programs that pack archives compress, and list the members in an order of their own.
  @Test func archivesPackedAnewAreRead() throws {
    var writer = try writer()
    writer.isCompressed = true
    let model = try open(writer.bytes)
    #expect(try model.weightsSHA256 == Self.model.get().weightsSHA256)
    for layer in ["features.0", "features.3"] {
      #expect(
        try model.storedParameters(layer).weights.floats()
          == Self.model.get().storedParameters(layer).weights.floats())
    }
    let bytes = writer.bytes
    for place in stride(from: 200, to: bytes.count - 200, by: bytes.count / 7) {
      var damaged = bytes
      damaged[place] ^= 0x10
      #expect(error(damaged) != nil)
    }
  }

  @Test func stridesAreFollowed() throws {
    var writer = try writer()
    // The first layer's filters as a view of numbers that lie H × W × C × N, after seven others.
    let filters = writer.tensors[0]
    let (n, c, h, w) = (filters.shape[0], filters.shape[1], filters.shape[2], filters.shape[3])
    var turned = [Float](repeating: -1, count: 7 + filters.numbers.count)
    let strides = [1, n, n * c * w, n * c]
    for (i, number) in filters.numbers.enumerated() {
      let index = [i / (c * h * w), i / (h * w) % c, i / w % h, i % w]
      turned[7 + zip(index, strides).reduce(0) { $0 + $1.0 * $1.1 }] = number
    }
    writer.tensors[0].numbers = turned
    (writer.tensors[0].strides, writer.tensors[0].first) = (strides, 7)
    let model = try open(writer.bytes)
    #expect(try model.weightsSHA256 == Self.model.get().weightsSHA256)
    let part = model.storedParameters("features.0").weights.floats(100..<1234)
    #expect(part[...] == filters.numbers[100..<1234])

    // One number more than the storage has.
    writer.tensors[0].first = 8
    guard case .format(.damaged(_, let problem))? = error(writer.bytes) else {
      Issue.record("a tensor larger than its storage was read")
      return
    }
    #expect(problem.contains("features.0.weight") && problem.contains("larger than its storage"))
  }

  private func error(_ bytes: [UInt8]) -> ModelError? {
    #expect(throws: ModelError.self) { try open(bytes) }
  }

  @Test(arguments: [false, true]) func whatIsNoTensorIsRefusedByName(isLegacy: Bool) throws {
    var writer = TorchWriter([])
    writer.isLegacy = isLegacy
    writer.wrap = { _ in
      .call(.global("os", "system"), [.text("echo run > /tmp/decaf-pickle-was-run")])
    }
    guard case .format(.unsupported(_, let found, _))? = error(writer.bytes) else {
      Issue.record("a function was accepted")
      return
    }
    #expect(found == "a pickle that names os.system")
    writer.wrap = { .build(.call(.global("torchvision.models.alexnet", "AlexNet"), []), $0) }
    let message = error(writer.bytes).map { "\($0)" } ?? ""
    #expect(message.contains("torchvision.models.alexnet.AlexNet"))
    #expect(message.contains("torch.save(model.state_dict(), FILE)"))
  }

  @Test(arguments: [false, true]) func cutFilesAreRefused(isLegacy: Bool) throws {
    var writer = TorchWriter([TorchWriter.Tensor("features.0.bias", [3], [1, 2, 3])])
    writer.isLegacy = isLegacy
    let bytes = writer.bytes
    for cut in 20..<bytes.count { #expect(error(Array(bytes[..<cut])) != nil) }
  }
}
