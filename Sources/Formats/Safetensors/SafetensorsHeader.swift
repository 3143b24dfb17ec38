internal import Files

/// The JSON header of a safetensors file.
///
/// An object of tensors, each `{"dtype": string, "shape": [int…], "data_offsets": [int, int]}` with
/// keys in any order, and `__metadata__`, an object of strings.
struct SafetensorsHeader {
  struct Entry {
    let name: String
    let dtype: String
    let shape: [Int]
    let begin: Int
    let end: Int
  }

  let metadata: [String: String]
  let entries: [Entry]

  static let metadataKey = "__metadata__"

  /// - Parameter bytes: the header, which begins at byte 8 of the file at `path`.
  /// - Throws: `SafetensorsError.malformedHeader` saying what is wrong.
  init(path: String, bytes: [UInt8]) throws(SafetensorsError) {
    do throws(ProblemError) {
      let members = try Self.members(of: JSONValue(parsing: bytes), in: "it")
      metadata = try members[Self.metadataKey].map(Self.texts) ?? [:]
      entries = try members.filter { $0.key != Self.metadataKey }.map(Self.entry)
    } catch { throw .malformedHeader(path: path, reason: error.text) }
  }

  private static func members(
    of value: JSONValue, in place: String
  ) throws(ProblemError) -> [String: JSONValue] {
    guard case .object(let members) = value else { throw ProblemError("\(place) is no object") }
    return members
  }

  private static func texts(_ value: JSONValue) throws(ProblemError) -> [String: String] {
    var texts: [String: String] = [:]
    for (key, value) in try members(of: value, in: metadataKey) {
      guard case .string(let text) = value else { throw ProblemError("“\(key)” is no text") }
      texts[key] = text
    }
    return texts
  }

  private static func entry(
    _ name: String, _ value: JSONValue
  ) throws(ProblemError) -> Entry {
    let members = try members(of: value, in: "tensor “\(name)”")
    if let other = members.keys.first(where: { !["dtype", "shape", "data_offsets"].contains($0) }) {
      throw ProblemError("“\(other)” does not belong in tensor “\(name)”")
    }
    guard case .string(let dtype)? = members["dtype"],
      let shape = members["shape"].flatMap(integers),
      let offsets = members["data_offsets"].flatMap(integers), offsets.count == 2
    else {
      throw ProblemError("tensor “\(name)” needs dtype, shape and two data_offsets")
    }
    return Entry(name: name, dtype: dtype, shape: shape, begin: offsets[0], end: offsets[1])
  }

  /// The elements when all are integers from 0.
  private static func integers(_ value: JSONValue) -> [Int]? {
    guard case .array(let elements) = value else { return nil }
    let integers = elements.compactMap(\.count)
    return integers.count == elements.count ? integers : nil
  }
}
