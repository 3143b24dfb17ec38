internal import Files

/// Reads pickles of protocols 2 to 5 (Python's `pickletools` describes them) as descriptions.
///
/// A pickle is a program for a machine with a stack. Of its instructions those are followed that make
/// numbers, texts, tuples, lists and dictionaries; calls are noted, not made, and only of functions
/// that the caller knows the meaning of.
package struct PickleReader {
  private let path: String
  private let allowed: Set<String>
  private var pickle: Pickle
  private var position: Int
  private var stack: [Pickle.Value] = []
  private var marks: [Int] = []
  private var memo: [Int: Pickle.Value] = [:]

  /// A network's description takes some thousands of instructions; what takes more than this is no
  /// description of one.
  private static let instructionLimit = 4_000_000

  /// Reads one pickle, beginning at `start`.
  ///
  /// - Parameters:
  ///   - allowed: the full names of functions and classes that may occur.
  ///   - path: of the file, for messages.
  /// - Throws: `FormatError.unsupported` with the name of another function or class, or the number of an
  ///   instruction that is not followed; `damaged`.
  package static func read(
    _ source: ByteSource, from start: Int = 0, allowed: Set<String>, path: String
  ) throws(FormatError) -> Pickle {
    var reader = PickleReader(source, start, allowed, path)
    do throws(ProblemError) { try reader.run() } catch {
      throw .damaged(path: path, problem: "\(error.text) (its pickle, byte \(reader.position))")
    }
    if let refused = reader.refused { throw refused }
    reader.pickle.end = reader.position
    return reader.pickle
  }

  private var refused: FormatError?

  private init(_ source: ByteSource, _ start: Int, _ allowed: Set<String>, _ path: String) {
    (position, self.allowed, self.path) = (start, allowed, path)
    pickle = Pickle(source: source)
  }

  private mutating func run() throws(ProblemError) {
    for _ in 0..<Self.instructionLimit {
      let code = try number(1)
      if code == UInt8(ascii: ".") {
        pickle.root = try pop()
        return
      }
      try follow(UInt8(code))
      if refused != nil { return }
    }
    throw ProblemError("it takes more than \(Self.instructionLimit) instructions")
  }

  private mutating func follow(_ code: UInt8) throws(ProblemError) {
    switch code {
    case 0x80: try take(1)
    case 0x95: try take(8)
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88, 0x89: stack.append(.bool(code == 0x88))
    case UInt8(ascii: "K"): stack.append(.integer(try number(1)))
    case UInt8(ascii: "M"): stack.append(.integer(try number(2)))
    case UInt8(ascii: "J"):
      stack.append(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))
    case 0x8a: stack.append(try long())
    case UInt8(ascii: "G"):
      let bits = UInt64(bitPattern: Int64(try number(8)))
      stack.append(.float(Double(bitPattern: bits.byteSwapped)))
    case UInt8(ascii: "U"), UInt8(ascii: "C"), 0x8c: try pushBytes(1)
    case UInt8(ascii: "T"), UInt8(ascii: "B"), UInt8(ascii: "X"): try pushBytes(4)
    case 0x8d, 0x8e, 0x96: try pushBytes(8)
    case UInt8(ascii: "("): marks.append(stack.count)
    case UInt8(ascii: "0"): _ = try pop()
    case UInt8(ascii: "2"): stack.append(try top())
    case UInt8(ascii: "q"): memo[try number(1)] = try top()
    case UInt8(ascii: "r"): memo[try number(4)] = try top()
    case 0x94: memo[memo.count] = try top()
    case UInt8(ascii: "h"): try recall(try number(1))
    case UInt8(ascii: "j"): try recall(try number(4))
    default: try followStructure(code)
    }
  }

  private mutating func followStructure(_ code: UInt8) throws(ProblemError) {
    switch code {
    case UInt8(ascii: ")"): push(.tuple, [])
    case UInt8(ascii: "]"): push(.list, [])
    case UInt8(ascii: "}"): push(.dictionary, [])
    case UInt8(ascii: "t"): push(.tuple, try popToMark())
    case UInt8(ascii: "l"): push(.list, try popToMark())
    case UInt8(ascii: "d"): push(.dictionary, try pairs(try popToMark()))
    case 0x85...0x87: push(.tuple, try pop(Int(code) - 0x84))
    case UInt8(ascii: "a"): try add(try pop(1), isPairs: false)
    case UInt8(ascii: "e"): try add(try popToMark(), isPairs: false)
    case UInt8(ascii: "s"): try add(try pop(2), isPairs: true)
    case UInt8(ascii: "u"): try add(try popToMark(), isPairs: true)
    case UInt8(ascii: "c"): try pushGlobal("\(try line()).\(try line())")
    case 0x93:
      let names = try pop(2).compactMap { pickle.text($0) }
      guard names.count == 2 else { throw ProblemError("a function without a name") }
      try pushGlobal(names.joined(separator: "."))
    case UInt8(ascii: "R"), 0x81:
      let parts = try pop(2)
      guard pickle.name(parts[0]) != nil, pickle.elements(parts[1]) != nil else {
        throw ProblemError("a call of what is no function")
      }
      push(.call, parts)
    case UInt8(ascii: "b"):
      let state = try pop()
      guard case .node(let node) = try top() else { throw ProblemError("a state of no object") }
      pickle.nodes[node].state = state
    case UInt8(ascii: "Q"): push(.persistent, [try pop()])
    default:
      refused = .unsupported(
        path: path, found: "a pickle with instruction \(code)",
        advice: "save the tensors with a present version of the program that wrote it")
    }
  }

  private mutating func pushGlobal(_ name: String) throws(ProblemError) {
    guard allowed.contains(name) else {
      refused = .unsupported(
        path: path, found: "a pickle that names \(name.prefix(200))",
        advice: "of pickles only tensors and dictionaries are read, and nothing in them is run; "
          + "save those alone: torch.save(model.state_dict(), FILE)")
      return
    }
    push(.global(name), [])
  }

  private mutating func push(_ kind: Pickle.Node.Kind, _ items: [Pickle.Value]) {
    stack.append(.node(pickle.nodes.count))
    pickle.nodes.append(Pickle.Node(kind: kind, items: items))
  }

  /// Puts values into the list, dictionary or object on top of the stack.
  private mutating func add(
    _ values: [Pickle.Value], isPairs: Bool
  ) throws(ProblemError) {
    guard case .node(let node) = try top() else { throw ProblemError("parts of what has none") }
    let kind = pickle.nodes[node].kind
    guard kind == .call || kind == (isPairs ? .dictionary : .list) else {
      throw ProblemError("parts of what has none")
    }
    pickle.nodes[node].items += isPairs ? try pairs(values) : values
  }

  private func pairs(_ values: [Pickle.Value]) throws(ProblemError) -> [Pickle.Value] {
    guard values.count % 2 == 0 else { throw ProblemError("a key without a value") }
    return values
  }

  private func top() throws(ProblemError) -> Pickle.Value {
    guard let top = stack.last, stack.count > marks.last ?? 0 else {
      throw ProblemError("nothing on its stack")
    }
    return top
  }

  private mutating func pop() throws(ProblemError) -> Pickle.Value {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(_ count: Int) throws(ProblemError) -> [Pickle.Value] {
    guard stack.count - (marks.last ?? 0) >= count else {
      throw ProblemError("too little on its stack")
    }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws(ProblemError) -> [Pickle.Value] {
    guard let mark = marks.popLast() else { throw ProblemError("no mark on its stack") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func recall(_ number: Int) throws(ProblemError) {
    guard let value = memo[number] else { throw ProblemError("no value \(number) to recall") }
    stack.append(value)
  }

  @discardableResult
  private mutating func take(_ count: Int) throws(ProblemError) -> Range<Int> {
    guard count >= 0, count <= pickle.source.count - position else {
      throw ProblemError("it ends too early")
    }
    position += count
    return position - count..<position
  }

  private mutating func number(_ byteCount: Int) throws(ProblemError) -> Int {
    pickle.source.integer(at: try take(byteCount).lowerBound, byteCount: byteCount)
  }

  private mutating func pushBytes(_ lengthByteCount: Int) throws(ProblemError) {
    stack.append(.bytes(try take(try number(lengthByteCount))))
  }

  /// A whole number of any length, of which up to 64 bits are understood; others are no sizes.
  private mutating func long() throws(ProblemError) -> Pickle.Value {
    let range = try take(try number(1))
    guard range.count <= 8 else { return .bytes(range) }
    let bits = pickle.source.integer(at: range.lowerBound, byteCount: range.count)
    let unused = 64 - 8 * range.count
    return .integer(unused == 64 ? 0 : (bits << unused) >> unused)
  }

  private mutating func line() throws(ProblemError) -> String {
    var bytes: [UInt8] = []
    while bytes.count <= 1 << 10 {
      let byte = UInt8(try number(1))
      if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
    throw ProblemError("a name of more than a kilobyte")
  }
}
