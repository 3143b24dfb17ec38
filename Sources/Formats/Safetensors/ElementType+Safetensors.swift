package import Tensors

extension ElementType {
  /// The format's names; it has more types, which are not read.
  private static let names: [ElementType: String] = [
    .int8: "I8", .uint8: "U8", .int16: "I16", .uint16: "U16", .int32: "I32", .uint32: "U32",
    .int64: "I64", .uint64: "U64", .float16: "F16", .bfloat16: "BF16", .float32: "F32",
    .float64: "F64",
  ]

  /// `F32`
  package var safetensorsName: String { Self.names[self]! }

  /// The type that safetensors calls so; nil for those that have no counterpart here.
  package init?(safetensors name: String) {
    guard let found = Self.names.first(where: { $0.value == name }) else { return nil }
    self = found.key
  }

  /// Whether numbers of this type are read as floats.
  package var isFloat: Bool { [.float16, .bfloat16, .float32, .float64].contains(self) }
}
