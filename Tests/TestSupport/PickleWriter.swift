/// A Python value, to be pickled as protocol 2 has it.
package indirect enum PickleObject: Sendable {
  case integer(Int)
  case float(Double)
  case text(String)
  case bytes([UInt8])
  case none
  case bool(Bool)
  case tuple([PickleObject])
  case list([PickleObject])
  case dictionary([(PickleObject, PickleObject)])
  case global(String, String)
  case call(PickleObject, [PickleObject])
  /// An object whose state is set.
  case build(PickleObject, PickleObject)
  case persistent(PickleObject)

  package static func dictionary(_ entries: [(String, PickleObject)]) -> PickleObject {
    .dictionary(entries.map { (.text($0), $1) })
  }

  /// An array of single precision as NumPy pickles it.
  package static func array(_ shape: [Int], _ floats: [Float]) -> PickleObject {
    .build(
      .call(
        .global("numpy.core.multiarray", "_reconstruct"),
        [.global("numpy", "ndarray"), .tuple([.integer(0)]), .bytes([98])]),
      .tuple([
        .integer(1), .tuple(shape.map { .integer($0) }),
        floatType, .bool(false), .bytes(NPYWriter.floats(floats)),
      ]))
  }

  /// The same as protocol 5 has it: bytes, type, shape, order.
  package static func buffer(_ shape: [Int], _ floats: [Float]) -> PickleObject {
    .call(
      .global("numpy._core.numeric", "_frombuffer"),
      [
        .bytes(NPYWriter.floats(floats)), floatType, .tuple(shape.map { .integer($0) }), .text("C"),
      ])
  }

  private static let floatType = PickleObject.build(
    .call(.global("numpy", "dtype"), [.text("f4"), .bool(false), .bool(true)]),
    .tuple([.integer(3), .text("<"), .none, .none]))

  /// The whole pickle.
  package var pickle: [UInt8] { [0x80, 2] + bytes + Array(".".utf8) }

  private var bytes: [UInt8] {
    switch self {
    case .integer(let value) where (0..<256).contains(value): code("K") + [UInt8(value)]
    case .float(let value):
      code("G") + ProtobufEncoder.littleEndian(value.bitPattern).reversed()
    case .integer(let value): code("J") + Self.number(value)
    case .text(let text): code("X") + Self.number(text.utf8.count) + Array(text.utf8)
    case .bytes(let bytes): code("T") + Self.number(bytes.count) + bytes
    case .none: code("N")
    case .bool(let value): [value ? 0x88 : 0x89]
    case .tuple(let items): code("(") + items.flatMap(\.bytes) + code("t")
    case .list(let items): code("](") + items.flatMap(\.bytes) + code("e")
    case .dictionary(let entries):
      code("}(") + entries.flatMap { $0.0.bytes + $0.1.bytes } + code("u")
    case .global(let module, let name): code("c\(module)\n\(name)\n")
    case .call(let function, let arguments):
      function.bytes + PickleObject.tuple(arguments).bytes + code("R")
    case .build(let object, let state): object.bytes + state.bytes + code("b")
    case .persistent(let name): name.bytes + code("Q")
    }
  }

  private func code(_ text: String) -> [UInt8] { Array(text.utf8) }

  private static func number(_ value: Int) -> [UInt8] {
    ProtobufEncoder.littleEndian(Int32(value))
  }
}
