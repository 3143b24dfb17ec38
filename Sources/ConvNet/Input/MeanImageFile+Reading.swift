package import Files
internal import Formats
internal import Tensors

extension MeanImageFile {
  /// Reads 3 × height × width numbers: a NumPy array (`.npy`), Caffe's `.binaryproto`, or `data_mean` of the
  /// pickled dictionary that came with DeCAF's release (`.meta`, 3 × side × side in one row). The file's kind is
  /// told by its content.
  ///
  /// - Throws: what is wrong, in words.
  package init(contentsOf path: String) throws(ProblemError) {
    let (shape, values): ([Int], [Float])
    do {
      let file = try MappedFile(path)
      if NumPyDictionary.isArray(file) {
        (shape, values) = try Self.array(file)
      } else if CudaConvNetFormat.recognizes(file) {
        (shape, values) = try Self.meta(file)
      } else {
        (shape, values) = try Self.blob(file)
      }
    } catch let error as ProblemError { throw error } catch { throw ProblemError("\(error)") }
    guard shape.count == 3, shape[0] == 3, !values.isEmpty, values.count == shape.product()
    else {
      let text = shape.map(String.init).joined(separator: "×")
      throw ProblemError("\(path): found \(text) numbers, expected 3×height×width")
    }
    guard values.allSatisfy(\.isFinite) else {
      throw ProblemError("\(path): some of its numbers are not finite")
    }
    self.init(MeanImage(width: shape[2], height: shape[1], values: values))
  }

  /// More numbers than any mean image has.
  private static let countLimit = 1 << 26

  private static func array(_ file: MappedFile) throws -> ([Int], [Float]) {
    let variable = try NPYArray.variable(ByteSource(file), name: "mean", path: file.path)
    guard let found = variable.numbers, found.count <= countLimit else {
      throw ProblemError("\(file.path): found \(variable.description), expected a mean image")
    }
    var values: [Float] = []
    found.append(0..<found.rowCount, to: &values)
    return (found.shape, values)
  }

  private static func meta(_ file: MappedFile) throws -> ([Int], [Float]) {
    let pickle = try PickleReader.read(
      ByteSource(file), allowed: NumPyPickle.allowed, path: file.path)
    let mean = pickle.entries(pickle.root)?.first { $0.key == "data_mean" }
    guard
      let numbers = try NumPyPickle.floats(mean?.value, of: pickle, in: file, "data_mean"),
      numbers.count <= countLimit
    else {
      throw ProblemError("\(file.path): found a pickle without an array “data_mean”")
    }
    let values = StoredFloats(file, numbers).floats()
    let side = Int((Double(values.count) / 3).squareRoot().rounded())
    return (3 * side * side == values.count ? [3, side, side] : numbers.shape, values)
  }

  /// A `BlobProto` of one image.
  private static func blob(_ file: MappedFile) throws -> ([Int], [Float]) {
    var reader = CaffeModelReader(file)
    let blob = try reader.readBlob()
    var shape = blob.shape ?? [blob.floats.count]
    while shape.count > 3, shape[0] == 1 { shape.removeFirst() }
    guard blob.floats.count <= countLimit, blob.floats.count > 0 else {
      throw ProblemError(
        "\(file.path): found no mean image, expected .npy, .binaryproto or a .meta pickle")
    }
    return (shape, blob.floats.floats())
  }
}
