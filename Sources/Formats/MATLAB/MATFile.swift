package import Files
internal import Tensors

/// The variables of a MATLAB file of version 5 (`save -v6`, `-v7`; also what SciPy writes).
///
/// “MAT-File Format”, The MathWorks: a header of 128 bytes, then elements, each a type, a length and
/// data. A variable is an element of type 14, or a compressed one (15) that expands to it.
package enum MATFile {
  /// The most that a compressed variable may expand to: version 5 counts bytes in 32 bits.
  private static let expansionLimit = 1 << 32
  private static let headerByteCount = 128

  /// - Throws: `unsupported` for other versions, `damaged`.
  package static func variables(_ file: MappedFile) throws(FormatError) -> [Variable] {
    let source = try source(of: file)
    do throws(ProblemError) {
      var variables: [Variable] = []
      try forEachElement(of: source) { element throws(ProblemError) in
        var element = element
        if element.type == .compressed {
          element = try MATElement(try expanded(element, file), at: 0)
        }
        guard element.type == .matrix else { return }
        let matrix = try MATMatrix(element.data)
        variables.append(Variable(name: matrix.name, content: try matrix.content()))
      }
      return variables
    } catch {
      throw .damaged(path: file.path, problem: error.text)
    }
  }

  /// The variables of these names with their parts. What is compressed is expanded into memory once.
  ///
  /// - Throws: as `variables`.
  package static func values(
    _ names: Set<String>, of file: MappedFile
  ) throws(FormatError) -> [String: MATValue] {
    let source = try source(of: file)
    do throws(ProblemError) {
      var values: [String: MATValue] = [:]
      try forEachElement(of: source) { element throws(ProblemError) in
        var element = element
        if element.type == .compressed {
          element = try MATElement(try mapped(element, file), at: 0)
        }
        guard element.type == .matrix else { return }
        let matrix = try MATMatrix(element.data)
        guard names.contains(matrix.name) else { return }
        var budget = MATValue.partLimit
        values[matrix.name] = try MATValue(matrix, budget: &budget)
      }
      return values
    } catch {
      throw .damaged(path: file.path, problem: error.text)
    }
  }

  /// Whether a file begins like one of version 5, or of 7.3, which is refused with what to do.
  package static func isMATLAB(_ file: MappedFile) -> Bool {
    guard file.byteCount >= headerByteCount else { return false }
    let text = String(decoding: file.bytes(0..<10), as: UTF8.self)
    return text == "MATLAB 5.0" || text == "MATLAB 7.3"
  }

  /// The bytes of a file of version 5.
  private static func source(of file: MappedFile) throws(FormatError) -> ByteSource {
    let path = file.path
    let source = ByteSource(file)
    guard source.count >= headerByteCount else {
      throw .damaged(path: path, problem: "its header is cut short")
    }
    let text = String(decoding: source.bytes(0..<19), as: UTF8.self)
    guard text.hasPrefix("MATLAB 5.0") else {
      let advice = "save it again with save('NAME.mat', …, '-v7')"
      throw .unsupported(
        path: path,
        found: text.hasPrefix("MATLAB 7.3")
          ? "a MATLAB file of version 7.3, which is HDF5" : "a MATLAB file of another version",
        advice: advice)
    }
    guard source.bytes(126..<128) == Array("IM".utf8) else {
      throw .unsupported(
        path: path, found: "a big-endian MATLAB file", advice: "save it again on this machine")
    }
    return source
  }

  /// Whether a file begins like one of version 4, which has no mark of its own: a type of four decimal
  /// digits (byte order, 0, precision, kind), rows, columns, whether it is complex, and the length of a
  /// name, each in four bytes; then the name and a zero.
  package static func isVersion4(_ file: MappedFile) -> Bool {
    let source = ByteSource(file)
    guard source.count >= 22 else { return false }
    let numbers = (0..<5).map { source.integer(at: 4 * $0, byteCount: 4) }
    let (type, nameCount) = (numbers[0], numbers[4])
    guard type < 5000, type / 100 % 10 == 0, type / 10 % 10 <= 5, type % 10 <= 2,
      numbers[3] <= 1, 2...64 ~= nameCount, source.count >= 20 + nameCount
    else { return false }
    let name = source.bytes(20..<20 + nameCount)
    return name.last == 0 && name.dropLast().allSatisfy { 33...126 ~= $0 }
  }

  private static func forEachElement(
    of source: ByteSource, _ body: (MATElement) throws(ProblemError) -> Void
  ) throws(ProblemError) {
    var offset = headerByteCount
    while offset < source.count {
      let element = try MATElement(source, at: offset)
      offset = element.end
      try body(element)
    }
  }

  /// The bytes of a compressed element.
  private static func expanded(
    _ element: MATElement, _ file: MappedFile
  ) throws(ProblemError) -> ByteSource {
    guard case .file(_, let range) = element.data else { preconditionFailure("not in a file") }
    do throws(InflateError) {
      return ByteSource(try Inflate.bytes(of: file, range, .zlib, limit: expansionLimit))
    } catch { throw ProblemError(error.description) }
  }

  /// The same, in a file in memory.
  private static func mapped(
    _ element: MATElement, _ file: MappedFile
  ) throws(ProblemError) -> ByteSource {
    guard case .file(_, let range) = element.data else { preconditionFailure("not in a file") }
    do throws(InflateError) {
      return ByteSource(
        try MappedFile(expanding: range, of: file, .zlib, limit: expansionLimit))
    } catch { throw ProblemError(error.description) }
  }
}
