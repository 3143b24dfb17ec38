/// What a Python pickle describes, as plain values: no name in it is looked up, nothing is called.
///
/// All that has parts is a node, and parts are numbers of nodes: a description that contains itself, or
/// one nested a million deep, is then nothing special.
package struct Pickle: Sendable {
  package enum Value: Sendable, Equatable {
    case none
    case bool(Bool)
    case integer(Int)
    case float(Double)
    /// Text or bytes, which Python 2 does not tell apart: where they are in the source.
    case bytes(Range<Int>)
    /// A number of `nodes`.
    case node(Int)
  }

  package struct Node: Sendable {
    package enum Kind: Sendable, Equatable {
      case tuple, list
      /// Keys and values, one after the other.
      case dictionary
      /// A function or class, by its full name.
      case global(String)
      /// The function, and the tuple of what it is called with.
      case call
      /// What the program that wrote it keeps elsewhere: its name there.
      case persistent
    }

    package let kind: Kind
    package internal(set) var items: [Value]
    /// What is to be set in the object once it is made.
    package internal(set) var state: Value?
  }

  package let source: ByteSource
  package internal(set) var nodes: [Node] = []
  package internal(set) var root = Value.none
  /// One past the pickle's last byte.
  package internal(set) var end = 0

  init(source: ByteSource) { self.source = source }
}

extension Pickle {
  package func node(_ value: Value?) -> Node? {
    guard case .node(let number)? = value else { return nil }
    return nodes[number]
  }

  /// The text of a name; nil for other values, and for bytes that are too many.
  package func text(_ value: Value?) -> String? {
    guard case .bytes(let range)? = value, range.count <= 1 << 16 else { return nil }
    return String(decoding: source.bytes(range), as: UTF8.self)
  }

  package func integer(_ value: Value?) -> Int? {
    if case .integer(let number)? = value { number } else { nil }
  }

  /// The parts of a tuple or list.
  package func elements(_ value: Value?) -> [Value]? {
    guard let node = node(value), node.kind == .tuple || node.kind == .list else { return nil }
    return node.items
  }

  /// A tuple of integers, as shapes are.
  package func integers(_ value: Value?) -> [Int]? {
    guard let elements = elements(value) else { return nil }
    let numbers = elements.compactMap { integer($0) }
    return numbers.count == elements.count ? numbers : nil
  }

  /// The full name of a function or class.
  package func name(_ value: Value?) -> String? {
    if case .global(let name)? = node(value)?.kind { name } else { nil }
  }

  /// The function's name and what it is called with.
  package func call(_ value: Value?) -> (function: String, arguments: [Value])? {
    guard let node = node(value), node.kind == .call, let function = name(node.items[0]),
      let arguments = elements(node.items[1])
    else { return nil }
    return (function, arguments)
  }

  /// The entries of a dictionary whose keys are texts; others are left aside.
  package func entries(_ value: Value?) -> [(key: String, value: Value)]? {
    guard let node = node(value) else { return nil }
    var items = node.items[...]
    if let call = call(value), call.function == "collections.OrderedDict" {
      // What was put into the made object follows the function and its arguments; Python 2 has a list
      // of pairs among these.
      let given = elements(call.arguments.first)?.compactMap { elements($0) } ?? []
      items = (given.filter { $0.count == 2 }.flatMap { $0 } + node.items.dropFirst(2))[...]
    } else if node.kind != .dictionary {
      return nil
    }
    return stride(from: items.startIndex, to: items.endIndex - 1, by: 2).compactMap { i in
      text(items[i]).map { ($0, items[i + 1]) }
    }
  }
}
