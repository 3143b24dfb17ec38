internal import Files
internal import Formats
internal import Tensors

/// Reads the structure of a `.caffemodel`: a binary `NetParameter`, new `layer`, V1 `layers`, or `layers` of
/// the first format (V0).
///
/// Published files have up to 244 MB in one message: nothing of the weights is touched here, and
/// every count is limited, so that damage costs neither time nor memory.
struct CaffeModelReader {
  let file: MappedFile
  private var segmentCount = 0

  /// Real networks have hundreds of layers, a few blobs each, one segment a blob.
  private static let layerLimit = 10_000
  static let blobLimit = 64
  private static let segmentLimit = 1 << 18
  private static let dimensionLimit = 32
  private static let settingLimit = 64

  init(_ file: MappedFile) { self.file = file }

  /// - Throws: `ModelError.protobuf`.
  mutating func read() throws(ModelError) -> CaffeModel {
    do throws(ProtobufError) { return try readNetwork() } catch { throw .protobuf(error) }
  }

  /// Reads a `BlobProto` that is a file of its own: a mean image.
  ///
  /// - Throws: `ModelError.protobuf`.
  mutating func readBlob() throws(ModelError) -> ModelFile.Blob {
    do throws(ProtobufError) { return try readBlob(0..<file.byteCount, "the blob") } catch {
      throw .protobuf(error)
    }
  }

  /// Reads a `NetParameter`.
  private mutating func readNetwork() throws(ProtobufError) -> CaffeModel {
    var model = CaffeModel()
    var padding = 0
    var reader = ProtobufReader(file, 0..<file.byteCount, part: "the network")
    var dimensions = [Int]()
    while let field = try reader.next() {
      if case .varint(let value) = field.value, field.number == 4 {
        dimensions.append(Int(clamping: value))
        guard dimensions.count <= Self.dimensionLimit else {
          throw reader.malformed("more than \(Self.dimensionLimit) input dimensions")
        }
      }
      guard case .bytes(let range) = field.value else { continue }
      switch field.number {
      case 1: model.name = reader.text(range)
      case 8: model.inputShape = try readShape(range, "the input")
      case 2, 100:
        guard model.layers.count < Self.layerLimit else {
          throw reader.malformed("more than \(Self.layerLimit) layers")
        }
        let part = "layer \(model.layers.count + 1)"
        if field.number == 2, let range = try firstFormat(range, part) {
          let layer = try readFirstFormat(range, part, after: &padding)
          if let layer { model.layers.append(layer) }
        } else {
          model.layers.append(try readLayer(range, part, isV1: field.number == 2))
        }
      default: break
      }
    }
    if !dimensions.isEmpty { model.inputShape = dimensions }
    return model
  }

  /// The layer of the first format that a `V1LayerParameter` holds; nil where it holds none.
  private func firstFormat(_ range: Range<Int>, _ part: String) throws(ProtobufError) -> Range<Int>?
  {
    var reader = ProtobufReader(file, range, part: part)
    while let field = try reader.next() {
      if case .bytes(let range) = field.value, field.number == 1 { return range }
    }
    return nil
  }

  /// Reads a `LayerParameter` or a `V1LayerParameter`.
  private mutating func readLayer(
    _ range: Range<Int>, _ part: String, isV1: Bool
  ) throws(ProtobufError) -> CaffeModel.Layer {
    let fields = isV1 ? CaffeModel.Fields.v1 : .v2
    var layer = CaffeModel.Layer()
    var reader = ProtobufReader(file, range, part: part)
    while let field = try reader.next() {
      switch field.value {
      case .bytes(let range) where field.number == fields.name: layer.name = reader.text(range)
      case .bytes(let range) where field.number == fields.type: layer.type = reader.text(range)
      case .varint(let type) where isV1 && field.number == fields.type:
        layer.type = CaffeModel.v1Types[type] ?? "V1 type \(type)"
      case .bytes(let range) where field.number == fields.blobs:
        guard layer.blobs.count < Self.blobLimit else {
          throw reader.malformed("more than \(Self.blobLimit) blobs")
        }
        layer.blobs.append(try readBlob(range, "a blob of \(part)"))
      case .bytes(let range) where fields.settings[field.number] != nil:
        layer.settings = try readSettings(
          range, "the parameters of \(part)", packed: fields.settings[field.number]!)
      case .bytes(let range) where field.number == fields.transform:
        layer.transform = try readSettings(range, "the transform of \(part)", packed: [])
      case .bytes(let range) where field.number == fields.input:
        layer.inputShape = try readInputShape(range, part)
      default: break
      }
    }
    return layer
  }

  /// Reads a `BlobProto`; `diff`, the gradient, is left aside.
  mutating func readBlob(
    _ range: Range<Int>, _ part: String
  ) throws(ProtobufError) -> ModelFile.Blob {
    var shape: [Int]?
    var legacy = [Int: Int]()
    var floats = Pieces(.float32)
    var doubles = Pieces(.float64)
    var reader = ProtobufReader(file, range, part: part)
    while let field = try reader.next() {
      switch (field.number, field.value) {
      case (1...4, .varint(let value)): legacy[field.number] = Int(clamping: value)
      case (5, .bytes(let range)): try floats.append(range, reader)
      case (5, .fixed32(let offset)): floats.append(offset)
      case (8, .bytes(let range)): try doubles.append(range, reader)
      case (8, .fixed64(let offset)): doubles.append(offset)
      case (7, .bytes(let range)): shape = try readShape(range, part)
      default: break
      }
      guard segmentCount + floats.segments.count + doubles.segments.count < Self.segmentLimit else {
        throw reader.malformed("numbers in too many pieces")
      }
    }
    if shape == nil, !legacy.isEmpty {
      shape = (1...4).map { legacy[$0] ?? 0 }
    }
    // As Caffe's `Blob::FromProto`: double data wins when there is any.
    let pieces = doubles.segments.isEmpty ? floats : doubles
    segmentCount += pieces.segments.count
    return ModelFile.Blob(shape: shape, floats: StoredFloats(file, pieces.segments))
  }

  /// Reads a `BlobShape`.
  private func readShape(_ range: Range<Int>, _ part: String) throws(ProtobufError) -> [Int] {
    var dimensions = [Int]()
    var reader = ProtobufReader(file, range, part: "the shape of \(part)")
    while let field = try reader.next() {
      guard field.number == 1 else { continue }
      switch field.value {
      case .varint(let value): dimensions.append(Int(clamping: value))
      case .bytes(let range):
        var packed = ProtobufReader(file, range, part: reader.part)
        dimensions += try packed.varints(limit: Self.dimensionLimit).map { Int(clamping: $0) }
      default: break
      }
      guard dimensions.count <= Self.dimensionLimit else {
        throw reader.malformed("more than \(Self.dimensionLimit) dimensions")
      }
    }
    return dimensions
  }

  /// Reads the first shape of an `InputParameter`.
  private func readInputShape(_ range: Range<Int>, _ part: String) throws(ProtobufError) -> [Int]? {
    var reader = ProtobufReader(file, range, part: "the input of \(part)")
    while let field = try reader.next() {
      if case .bytes(let range) = field.value, field.number == 1 {
        return try readShape(range, part)
      }
    }
    return nil
  }

  /// Reads the numbers of a `ConvolutionParameter` or the like.
  ///
  /// - Parameter packed: fields that may hold packed numbers; others of that form are messages.
  private func readSettings(
    _ range: Range<Int>, _ part: String, packed fields: Set<Int>
  ) throws(ProtobufError) -> CaffeModel.Settings {
    var settings = CaffeModel.Settings()
    var count = 0
    var reader = ProtobufReader(file, range, part: part)
    while let field = try reader.next() {
      var values = [UInt64]()
      switch field.value {
      case .varint(let value): values = [value]
      case .fixed32(let offset): values = [UInt64(file.float(at: offset).bitPattern)]
      case .bytes(let range) where fields.contains(field.number):
        var packed = ProtobufReader(file, range, part: part)
        values = (try? packed.varints(limit: Self.settingLimit)) ?? []
      default: break
      }
      count += values.count
      guard count <= Self.settingLimit else {
        throw reader.malformed("more than \(Self.settingLimit) values")
      }
      settings.values[field.number, default: []] += values
    }
    return settings
  }

  /// Gathers a repeated field: packed runs, and single numbers, which usually follow each other at a
  /// constant distance and then are one segment.
  private struct Pieces {
    let element: ElementType
    private(set) var segments = [StoredFloats.Segment]()

    init(_ element: ElementType) { self.element = element }

    mutating func append(_ range: Range<Int>, _ reader: ProtobufReader) throws(ProtobufError) {
      guard range.count % element.byteCount == 0 else {
        throw reader.malformed(
          "\(range.count) bytes for numbers of \(element.byteCount)", range.lowerBound)
      }
      if range.isEmpty { return }
      segments.append(
        StoredFloats.Segment(
          element, offset: range.lowerBound, count: range.count / element.byteCount))
    }

    mutating func append(_ offset: Int) {
      if let last = segments.last {
        let distance = offset - (last.offset + (last.count - 1) * last.stride)
        if last.count == 1 || distance == last.stride, distance <= 2 * element.byteCount {
          segments[segments.count - 1] = StoredFloats.Segment(
            element, offset: last.offset, count: last.count + 1, stride: distance)
          return
        }
      }
      segments.append(StoredFloats.Segment(element, offset: offset, count: 1))
    }
  }
}
