internal import Files

/// A variable of a MATLAB file with its parts, as deep as they go.
package indirect enum MATValue: Sendable {
  case numbers(NumberArray)
  case text(String)
  case cells([MATValue])
  /// The fields of each element of the array.
  case structures([[String: MATValue]])
  /// Something that is not read, in words: “an object”.
  case other(String)

  /// Parts of a variable: networks have some hundreds.
  static let partLimit = 1 << 16
  private static let depthLimit = 8
  private static let fieldNameLimit = 1 << 10

  /// - Parameter budget: parts that may still be read.
  /// - Throws: what is wrong, in words.
  init(_ matrix: MATMatrix, depth: Int = 0, budget: inout Int) throws(ProblemError) {
    guard depth <= Self.depthLimit else {
      throw ProblemError("parts more than \(Self.depthLimit) deep")
    }
    switch matrix.kind {
    case 1:
      var start = matrix.start
      var parts: [MATValue] = []
      for _ in 0..<matrix.count {
        parts.append(try Self.part(of: matrix, at: &start, depth: depth, &budget))
      }
      self = .cells(parts)
    case 2: self = .structures(try Self.structures(matrix, depth: depth, &budget))
    case 4: self = .text(try matrix.text().description)
    default:
      switch try matrix.content() {
      case .numbers(let array): self = .numbers(array)
      case .text, .sparse: self = .other("a sparse matrix")
      case .other(let kind): self = .other(kind)
      }
    }
  }

  /// Names of the fields, all of one length, then the fields of one element after the other.
  private static func structures(
    _ matrix: MATMatrix, depth: Int, _ budget: inout Int
  ) throws(ProblemError) -> [[String: MATValue]] {
    let length = try MATElement(matrix.source, at: matrix.start)
    let names = try MATElement(matrix.source, at: length.end)
    guard length.data.count == 4 else { throw ProblemError("a structure without names") }
    let size = length.data.integer(at: 0, byteCount: 4)
    guard 1...fieldNameLimit ~= size, names.data.count % size == 0 else {
      throw ProblemError("a structure whose names have \(size) bytes")
    }
    let fields = stride(from: 0, to: names.data.count, by: size).map {
      String(decoding: names.data.bytes($0..<$0 + size).prefix { $0 != 0 }, as: UTF8.self)
    }
    var start = names.end
    var elements: [[String: MATValue]] = []
    // Elements without fields take no bytes: however many there are, one says all.
    for _ in 0..<(fields.isEmpty ? min(1, matrix.count) : matrix.count) {
      var element: [String: MATValue] = [:]
      for field in fields {
        element[field] = try part(of: matrix, at: &start, depth: depth, &budget)
      }
      elements.append(element)
    }
    return elements
  }

  private static func part(
    of matrix: MATMatrix, at start: inout Int, depth: Int, _ budget: inout Int
  ) throws(ProblemError) -> MATValue {
    budget -= 1
    guard budget >= 0 else { throw ProblemError("more than \(partLimit) parts") }
    let element = try MATElement(matrix.source, at: start)
    start = element.end
    guard element.type == .matrix else { throw ProblemError("a part that is no matrix") }
    // MATLAB writes an empty array so.
    if element.data.count == 0 { return .other("empty") }
    return try MATValue(try MATMatrix(element.data), depth: depth + 1, budget: &budget)
  }
}

extension MATValue {
  /// A field of a structure of one element.
  package subscript(field: String) -> MATValue? {
    if case .structures(let elements) = self, elements.count == 1 {
      elements[0][field]
    } else {
      nil
    }
  }

  package var array: NumberArray? {
    if case .numbers(let array) = self { array } else { nil }
  }

  package var string: String? {
    if case .text(let text) = self { text } else { nil }
  }

  /// Numbers of a setting: few.
  package var few: [Double]? {
    guard let array, array.count <= 16 else { return nil }
    return array.numbers
  }
}
