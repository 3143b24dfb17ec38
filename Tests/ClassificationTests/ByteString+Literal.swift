import Files

extension ByteString: ExpressibleByStringLiteral {
  public init(stringLiteral text: String) { self.init(text) }
}
