/// Writes tensors of floats as `torch.save` does.
package struct TorchWriter: Sendable {
  package struct Tensor: Sendable {
    package var name: String
    package var shape: [Int]
    /// Of the numbers in the storage, by default those that touch.
    package var strides: [Int]
    package var first = 0
    package var numbers: [Float]

    package init(_ name: String, _ shape: [Int], _ numbers: [Float]) {
      (self.name, self.shape, self.numbers) = (name, shape, numbers)
      strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
    }
  }

  package enum Storage: String, Sendable, CaseIterable {
    case float = "FloatStorage"
    case double = "DoubleStorage"
    case integer = "IntStorage"
  }

  package var tensors: [Tensor]
  package var storage = Storage.float
  /// Put around the dictionary.
  package var wrap: @Sendable (PickleObject) -> PickleObject = { $0 }
  package var isLegacy = false
  /// As archives are that were packed anew by another program.
  package var isCompressed = false

  package init(_ tensors: [Tensor]) { self.tensors = tensors }

  package var bytes: [UInt8] {
    isLegacy ? legacyBytes : NPYWriter.archive(members, isCompressed: isCompressed)
  }

  private var members: [(name: String, data: [UInt8])] {
    [("net/data.pkl", object.pickle), ("net/byteorder", Array("little".utf8))]
      + tensors.indices.map { ("net/data/\($0)", data($0)) }
      + [("net/version", Array("3\n".utf8))]
  }

  private var legacyBytes: [UInt8] {
    // Python's whole number of ten bytes, as torch begins.
    [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]
      + PickleObject.integer(1001).pickle
      + PickleObject.dictionary([("little_endian", .bool(true))]).pickle
      + object.pickle
      + PickleObject.list(tensors.indices.map { .text("\($0)") }).pickle
      + tensors.indices.flatMap { number in
        ProtobufEncoder.littleEndian(tensors[number].numbers.count) + data(number)
      }
  }

  private func data(_ number: Int) -> [UInt8] {
    tensors[number].numbers.flatMap { value in
      storage != .double
        ? ProtobufEncoder.littleEndian(value.bitPattern)
        : ProtobufEncoder.littleEndian(Double(value).bitPattern)
    }
  }

  private var object: PickleObject {
    let entries = tensors.indices.map { (tensors[$0].name, object(of: $0)) }
    return wrap(.dictionary(entries))
  }

  private func object(of number: Int) -> PickleObject {
    let tensor = tensors[number]
    let stored = PickleObject.persistent(
      .tuple(
        [
          .text("storage"), .global("torch", storage.rawValue), .text("\(number)"), .text("cpu"),
          .integer(tensor.numbers.count),
        ] + (isLegacy ? [.none] : [])))
    return .call(
      .global("torch._utils", "_rebuild_tensor_v2"),
      [
        stored, .integer(tensor.first), .tuple(tensor.shape.map { .integer($0) }),
        .tuple(tensor.strides.map { .integer($0) }), .bool(false),
        .call(.global("collections", "OrderedDict"), []),
      ])
  }
}
