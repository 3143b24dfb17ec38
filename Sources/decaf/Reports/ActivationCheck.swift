internal import ConvNet
internal import Files
internal import Formats
internal import Foundation
internal import Tensors

/// All activations of a network for one input at a time, and how far apart two sets of them are.
struct ActivationCheck {
  let model: Model
  let team: ThreadTeam

  /// Every activation that users can ask for, but the input.
  var blobs: [BlobName] { model.reachableBlobs.filter { $0 != .data } }

  /// The largest difference from a reference that the arithmetic promises, over the layer's largest
  /// magnitude.
  static let limit = 1e-4
  static let limitText = "1e-4"

  /// The activations of an input in the order of `blobs`.
  ///
  /// - Throws: `KernelError`.
  func activations(of input: [Float], _ kernels: KernelClass) throws -> [[Float]] {
    let engine = try Engine(
      model: model, outputs: blobs, capacity: 1, team: team, kernelClass: kernels)
    engine.setInput(0, input)
    engine.run(count: 1)
    return blobs.indices.map { engine.row($0, image: 0) }
  }

  /// The largest difference over the largest magnitude of `expected`; NaN where one is not finite.
  static func difference(_ found: [Float], from expected: [Float]) -> Double {
    var (largest, difference) = (0.0, 0.0)
    for (a, b) in zip(found, expected) {
      guard a.isFinite, b.isFinite else { return .nan }
      largest = max(largest, Double(abs(b)))
      difference = max(difference, abs(Double(a) - Double(b)))
    }
    if difference == 0 { return 0 }
    return largest == 0 ? .infinity : difference / largest
  }

  static func text(_ difference: Double) -> String { String(format: "%.1e", difference) }

  /// SHA-256 of the numbers as little-endian float32, one array after the other.
  static func digest(of arrays: [[Float]]) -> SHA256Digest {
    var hasher = SHA256Digest.Hasher()
    for array in arrays {
      var bytes: [UInt8] = []
      FloatBytes.appendFloat32(array.span, to: &bytes)
      hasher.update(bytes)
    }
    return hasher.finalize()
  }
}

/// Activations that another program computed: arrays by the activations' names.
struct ExpectedActivations {
  struct Array {
    let blob: BlobName
    let numbers: NumberArray
    /// Numbers of one image.
    let width: Int

    /// Those of one of `count` images.
    ///
    /// - Throws: `ExpectedActivationsError.wrongSize`.
    func values(ofImage image: Int, of count: Int, path: String) throws -> [Float] {
      guard numbers.count == count * width else {
        throw ExpectedActivationsError.wrongSize(
          path: path, name: blob.description, found: numbers.shapeText, expected: width,
          images: count)
      }
      var all: [Float] = []
      numbers.append(0..<numbers.rowCount, to: &all)
      return Swift.Array(all[image * width..<(image + 1) * width])
    }
  }

  let arrays: [Array]
  /// The array “data”, image by image; nil when there is none.
  let inputs: [[Float]]?

  /// - Parameter path: a NumPy archive, or a folder of `.npy` files.
  /// - Throws: `FormatError`, `SystemError`, `ExpectedActivationsError`.
  init(_ path: String, of model: Model) throws {
    let variables = try Self.variables(path)
    var arrays: [Array] = []
    var inputs: [[Float]]?
    for variable in variables {
      guard let numbers = variable.numbers else {
        throw ExpectedActivationsError.noNumbers(path: path, name: variable.description)
      }
      if variable.name == BlobName.data.description {
        inputs = try Self.inputs(numbers, path, model)
        continue
      }
      let blob = model.reachableBlobs.first {
        $0.description == variable.name || $0.fileStem == variable.name
      }
      guard let blob else {
        throw ExpectedActivationsError.unknown(
          path: path, name: variable.name,
          known: model.reachableBlobs.map(\.description).joined(separator: ", "))
      }
      arrays.append(
        Array(blob: blob, numbers: numbers, width: model.definition.shape(of: blob).count))
    }
    // In the order of computation: the first that differs tells most.
    let order = model.reachableBlobs
    self.arrays = arrays.sorted { order.firstIndex(of: $0.blob)! < order.firstIndex(of: $1.blob)! }
    self.inputs = inputs
    if arrays.isEmpty { throw ExpectedActivationsError.empty(path: path) }
  }

  private static func variables(_ path: String) throws -> [Variable] {
    guard FileSystem.isFolder(path) else { return try NPZFile.variables(try MappedFile(path)) }
    return try FileManager.default.contentsOfDirectory(atPath: path).sorted()
      .filter { $0.hasSuffix(".npy") }.map { name in
        let file = "\(path)/\(name)"
        return try NPYArray.variable(
          ByteSource(try MappedFile(file)), name: String(name.dropLast(4)), path: file)
      }
  }

  private static func inputs(
    _ numbers: NumberArray, _ path: String, _ model: Model
  ) throws -> [[Float]] {
    let width = model.definition.inputShape.count
    guard numbers.count > 0, numbers.count % width == 0 else {
      throw ExpectedActivationsError.wrongSize(
        path: path, name: BlobName.data.description, found: numbers.shapeText, expected: width,
        images: 1)
    }
    var all: [Float] = []
    numbers.append(0..<numbers.rowCount, to: &all)
    return stride(from: 0, to: all.count, by: width).map { Swift.Array(all[$0..<$0 + width]) }
  }
}

/// Why arrays cannot be compared with activations.
enum ExpectedActivationsError: ErrorWithStatus, Equatable, CustomStringConvertible {
  case empty(path: String)
  case noNumbers(path: String, name: String)
  case unknown(path: String, name: String, known: String)
  case wrongSize(path: String, name: String, found: String, expected: Int, images: Int)

  var description: String {
    switch self {
    case .empty(let path):
      "\(path) has no array of an activation's name; decaf model inspect lists the names"
    case .noNumbers(let path, let name): "\(path): expected arrays of numbers, found \(name)"
    case .unknown(let path, let name, let known):
      "\(path): “\(name)” is no activation of the network; expected data, \(known)"
    case .wrongSize(let path, let name, let found, let expected, let images):
      "\(path): \(name) has \(found) numbers, expected \(images) × \(expected)"
    }
  }

  var exitStatus: ExitStatus { .badInput }
}
