internal import Foundation

extension Outcome {
  /// Outcomes as they go from rank to rank, and into the file of an unfinished evaluation: JSON
  /// without a line feed, numbers exact.
  static func encoded(_ outcomes: [Outcome]) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return Array(try encoder.encode(outcomes))
  }

  /// What `encoded` gave.
  ///
  /// - Throws: `DecodingError` for anything else.
  static func decoded(_ bytes: [UInt8]) throws -> [Outcome] {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode([Outcome].self, from: Data(bytes))
  }

  /// Whether it can be one of `taskCount` trainings on so many classes.
  func isPossible(taskCount: Int, classCount: Int) -> Bool {
    // Of rows: sums of so many do not overflow.
    let counts = 0...1 << 40
    return 0..<taskCount ~= task && confusion.count.isMultiple(of: 3) && counts ~= notFinite
      && stride(from: 0, to: confusion.count, by: 3).allSatisfy { i in
        0..<classCount ~= confusion[i] && 0..<classCount ~= confusion[i + 1]
          && counts ~= confusion[i + 2]
      }
  }

  /// The same training's, tested on more rows.
  func adding(_ other: Outcome) -> Outcome {
    var counts: [[Int]: Int] = [:]
    for part in [confusion, other.confusion] {
      for i in stride(from: 0, to: part.count, by: 3) {
        counts[[part[i], part[i + 1]], default: 0] += part[i + 2]
      }
    }
    var sum = self
    sum.confusion = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      .flatMap { $0.key + [$0.value] }
    sum.notFinite += other.notFinite
    return sum
  }
}
