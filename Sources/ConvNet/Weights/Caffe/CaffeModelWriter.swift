internal import Files
internal import Tensors

/// Writes a model as a `.caffemodel` in the current format (`layer`), for Caffe and what reads its
/// files; layers without weights are written too, so that the order of the network is in the file.
enum CaffeModelWriter {
  /// - Throws: `SystemError` when the file cannot be written.
  static func write(_ model: Model, to path: String) throws(SystemError) {
    let file = try ReplacementFile(path)
    let name = model.name.isEmpty ? model.architecture.rawValue : model.name
    try file.append(field(1, Array(name.utf8)))
    for layer in model.definition.layers {
      let head = description(of: layer)
      guard layer.hasParameters else {
        try file.append(field(100, head))
        continue
      }
      let blobs = zip(layer.parameters, model.storedParameters(layer.name).blobs).map {
        ($0.shape, $1)
      }
      // A message's length stands before it, so the parts are measured first and written after.
      let starts = blobs.map { start(ofBlob: $0, $1.count) }
      let byteCount =
        head.count + zip(starts, blobs).reduce(0) { $0 + $1.0.count + 4 * $1.1.1.count }
      try file.append(key(100, byteCount) + head)
      for (start, blob) in zip(starts, blobs) {
        try file.append(start)
        try blob.1.forEachPiece { (piece) throws(SystemError) in try file.append(piece) }
      }
    }
    try file.commit()
  }

  /// `LayerParameter` without blobs.
  private static func description(of layer: NetworkDefinition.Layer) -> [UInt8] {
    // Layers in place read and make blobs of the plain names.
    let (bottom, top) = (layer.input.name, layer.output.name)
    let type = type(of: layer.kind).caffe
    let settings = layer.kind.caffeSettings.filter { $0.use != .checked }.flatMap { setting in
      switch setting.value {
      case .integer(let value): varint(setting.writtenField, value)
      case .float(let value): float(setting.writtenField, value)
      }
    }
    return field(1, Array(layer.name.utf8)) + field(2, Array(type.name.utf8))
      + field(3, Array(bottom.utf8)) + field(4, Array(top.utf8))
      + (settings.isEmpty ? [] : field(type.settings!.field, settings))
  }

  /// Everything of a blob's field but the numbers, which come last.
  private static func start(ofBlob shape: [Int], _ count: Int) -> [UInt8] {
    let dimensions = field(7, field(1, shape.flatMap { varint($0) }))
    let data = key(5, 4 * count)
    return key(7, dimensions.count + data.count + 4 * count) + dimensions + data
  }

  private static func varint(_ value: Int) -> [UInt8] {
    var (rest, bytes) = (UInt64(value), [UInt8]())
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return bytes + [UInt8(rest)]
  }

  private static func varint(_ number: Int, _ value: Int) -> [UInt8] {
    varint(number << 3) + varint(value)
  }

  private static func float(_ number: Int, _ value: Float) -> [UInt8] {
    varint(number << 3 | 5)
      + (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
  }

  /// Key and length of a field of `byteCount` bytes.
  private static func key(_ number: Int, _ byteCount: Int) -> [UInt8] {
    varint(number << 3 | 2) + varint(byteCount)
  }

  private static func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
    key(number, bytes.count) + bytes
  }
}
