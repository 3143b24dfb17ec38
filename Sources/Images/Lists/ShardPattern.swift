internal import Files

/// Names of many files in one: `train-{000..127}.tar`, as shells and WebDataset expand it.
enum ShardPattern {
  private static let mostFiles = 100_000

  /// The paths that a pattern stands for, in order; the pattern itself where a file is called so.
  ///
  /// - Throws: `ImageListError.malformedShard`.
  static func paths(_ pattern: String) throws(ImageListError) -> [String] {
    if (try? FileSystem.byteCount(of: pattern)) != nil { return [pattern] }
    guard !FileSystem.folder(of: pattern).contains("{") else {
      throw .malformedShard(
        path: pattern, "braces in a folder's name; expected all shards in one folder")
    }
    let paths = try expand(pattern)
    guard paths.count <= mostFiles else {
      throw .malformedShard(
        path: pattern, "\(paths.count) files, expected at most \(mostFiles)")
    }
    return paths
  }

  private static func expand(_ pattern: String) throws(ImageListError) -> [String] {
    guard let open = pattern.firstIndex(of: "{") else { return [pattern] }
    guard let close = pattern[open...].firstIndex(of: "}") else {
      throw .malformedShard(path: pattern, "a brace that is not closed")
    }
    let inside = String(pattern[pattern.index(after: open)..<close])
    let rests = try expand(String(pattern[pattern.index(after: close)...]))
    let items: [String]
    if let range = inside.firstRange(of: "..") {
      items = try numbers(inside[..<range.lowerBound], inside[range.upperBound...], pattern)
    } else {
      items = inside.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    guard items.count * rests.count <= mostFiles else {
      throw .malformedShard(path: pattern, "more than \(mostFiles) files")
    }
    return items.flatMap { item in rests.map { pattern[..<open] + item + $0 } }
  }

  /// From `first` to `last`, with as many digits as the longer of them has.
  private static func numbers(
    _ first: Substring, _ last: Substring, _ pattern: String
  ) throws(ImageListError) -> [String] {
    let isDecimal = (first + last).utf8.allSatisfy { (48..<58).contains($0) }
    guard isDecimal, let from = Int(first), let to = Int(last), from <= to, to - from < mostFiles
    else {
      throw .malformedShard(
        path: pattern, "the range “\(first)..\(last)”, expected two numbers such as 000..127")
    }
    let width = first.hasPrefix("0") && first.count > 1 ? max(first.count, last.count) : 0
    return (from...to).map { number in
      let digits = "\(number)"
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
  }
}
