package import Tensors

extension ElementType {
  private static let descriptors: [(type: ElementType, code: String)] = [
    (.int8, "i1"), (.uint8, "u1"), (.int16, "i2"), (.uint16, "u2"), (.int32, "i4"),
    (.uint32, "u4"), (.int64, "i8"), (.uint64, "u8"), (.float16, "f2"), (.float32, "f4"),
    (.float64, "f8"),
  ]

  /// NumPy's name of the type, little-endian: `<f4`; nil for bfloat16, which NumPy does not have.
  package var numPyDescriptor: String? {
    Self.descriptors.first { $0.type == self }.map { (byteCount == 1 ? "|" : "<") + $0.code }
  }

  /// The type that NumPy calls so, in whatever order its bytes are; nil for those that are not read.
  ///
  /// Booleans are bytes of 0 and 1.
  package init?(numPy descriptor: String) {
    guard let order = descriptor.first, "<>|=".contains(order) else { return nil }
    let code = descriptor.dropFirst() == "b1" ? "u1" : descriptor.dropFirst()
    guard let found = Self.descriptors.first(where: { $0.code == code }) else { return nil }
    self = found.type
  }
}
