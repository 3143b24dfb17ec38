internal import Communication
internal import Descriptors
internal import Files
internal import Tensors

/// Words such that each of many points is near one: k-means++ (Arthur and Vassilvitskii, “k-means++: the
/// advantages of careful seeding”, 2007), then Lloyd's passes, by all ranks together.
///
/// Every rank has a stretch of the points. What ranks add up are whole numbers, so neither the stretches
/// nor the threads show in the words; equal kernel classes give equal bits.
struct KMeans {
  /// How the passes ended.
  struct Outcome {
    var words: [Float]
    var passes: Int
    /// Mean squared distance of a point from its word, before the words were moved last.
    var meanSquare: Double
  }

  /// What to go on from.
  struct State {
    /// `count×128`: those chosen so far, or those after the last pass.
    var words: [Float]
    /// While words are chosen: of each own point, the squared distance from the nearest of all words but
    /// the last, in units; nil during passes.
    var squares: [Int64]?
    var passes = 0
    /// What the last pass found; nil before the first.
    var meanSquare: Double?
  }

  let communicator: any Communicator
  let team: ThreadTeam
  let kernelClass: KernelClass
  /// Tells how far it is: what is done, steps done, steps in all.
  let progress: (_ phase: String, _ done: Int, _ total: Int) -> Void

  /// This rank's points, blocks of at most `block` of them.
  let blocks: [[Float]]
  /// Points of all ranks, and of those before this one.
  let count: Int
  private let before: Int

  private static let width = DenseSIFT.width
  private static let block = 1024
  /// A square counts in units of 2^-32, a coordinate in units of 2^-36: of points no longer than 1 there
  /// is room for 2^26.
  private static let squareUnit = 0x1p-32
  private static let coordinateUnit = 0x1p-36
  static let mostPoints = 1 << 26
  /// Passes end when the mean square falls by less than this share of it.
  private static let tolerance = 1e-4

  /// Collective.
  ///
  /// - Parameter points: this rank's, `n×128`, none longer than 1; those of all ranks are in rank order.
  init(
    _ points: [Float], communicator: any Communicator, team: ThreadTeam, kernelClass: KernelClass,
    progress: @escaping (_ phase: String, _ done: Int, _ total: Int) -> Void
  ) throws {
    (self.communicator, self.team, self.kernelClass) = (communicator, team, kernelClass)
    self.progress = progress
    let length = Self.block * Self.width
    blocks = stride(from: 0, to: points.count, by: length).map {
      Array(points[$0..<min($0 + length, points.count)])
    }
    let counts = try Self.everyRank(points.count / Self.width, communicator)
    count = counts.reduce(0, +)
    before = counts[..<communicator.rank].reduce(0, +)
  }

  /// The numbers of all ranks; collective.
  private static func everyRank(_ own: Int, _ communicator: any Communicator) throws -> [Int] {
    var all = [Int64](repeating: 0, count: communicator.size)
    all[communicator.rank] = Int64(own)
    try communicator.allreduce(&all, .sum)
    return all.map { Int($0) }
  }

  /// The words; collective.
  ///
  /// - Parameters:
  ///   - start: where to go on; nil to begin.
  ///   - pause: called wherever it could go on from a state, after some work; collective.
  /// - Throws: `CodebookError.tooFewDescriptors` on every rank, when fewer points differ; what `pause`
  ///   throws.
  func run(
    wordCount: Int, seed: UInt64, iterations: Int, from start: State? = nil,
    pause: (State) throws -> Void = { _ in }
  ) throws -> Outcome {
    var state = start ?? State(words: [], squares: [])
    if state.squares != nil {
      state = State(words: try chooseWords(wordCount, seed: seed, from: state, pause))
    }
    while state.passes < iterations {
      progress("pass", state.passes, iterations)
      let pass = try lloydPass(state.words)
      let last = state.meanSquare ?? .infinity
      state.passes += 1
      (state.words, state.meanSquare) = (pass.words, pass.meanSquare)
      if last - pass.meanSquare < Self.tolerance * last { break }
      try pause(state)
    }
    return Outcome(
      words: state.words, passes: state.passes, meanSquare: state.meanSquare ?? .infinity)
  }

  // MARK: - k-means++

  /// Points by chance, each by the square of its distance from those chosen before.
  private func chooseWords(
    _ wordCount: Int, seed: UInt64, from start: State, _ pause: (State) throws -> Void
  ) throws -> [Float] {
    guard count >= wordCount else {
      throw CodebookError.tooFewDescriptors(found: count, words: wordCount)
    }
    var chance = SeededGenerator(seed: seed, stream: 1)
    var words = start.words
    var squares = unflattened(start.squares ?? [])
    if words.isEmpty {
      words = try point(number: Int(chance.next() % UInt64(count)))
      squares = blocks.map { [Int64](repeating: .max, count: $0.count / Self.width) }
    } else {
      // One number was drawn for each word.
      for _ in 0..<words.count / Self.width { _ = chance.next() }
    }
    for chosen in words.count / Self.width..<max(wordCount, 1) {
      progress("first words", chosen, wordCount)
      squares = nearer(squares, to: Array(words.suffix(Self.width)))
      let own = squares.reduce(0) { $0 + $1.reduce(0, +) }
      let sums = try Self.everyRank(Int(own), communicator)
      let total = sums.reduce(0, +)
      guard total > 0 else {
        throw CodebookError.tooFewDescriptors(found: chosen, words: wordCount)
      }
      words += try point(Int(chance.next() % UInt64(total)), of: sums, squares)
      try pause(State(words: words, squares: squares.flatMap { $0 }))
    }
    return words
  }

  /// Numbers, one of each own point, by blocks.
  private func unflattened(_ numbers: [Int64]) -> [[Int64]] {
    var next = 0
    return numbers.isEmpty
      ? []
      : blocks.map { block in
        defer { next += block.count / Self.width }
        return Array(numbers[next..<next + block.count / Self.width])
      }
  }

  /// The squares of the distances from the nearest of the chosen points, another one being chosen.
  private func nearer(_ squares: [[Int64]], to point: [Float]) -> [[Int64]] {
    let norm = VectorOperations.squaredNorm(point.span)
    let (blocks, width) = (blocks, Self.width)
    return team.map(blocks.count) { block, _ in
      var result = squares[block]
      let block = blocks[block]
      let values = block.span
      for i in result.indices {
        let own = values.extracting(i * width..<(i + 1) * width)
        let square =
          norm + VectorOperations.squaredNorm(own) - 2 * VectorOperations.dot(own, point.span)
        result[i] = min(result[i], Int64(max(0, square) / Self.squareUnit))
      }
      return result
    }
  }

  /// The point with this number among those of all ranks; collective.
  private func point(number: Int) throws -> [Float] {
    let owned =
      number >= before && number < before + blocks.reduce(0) { $0 + $1.count / Self.width }
    let index = number - before
    return try share(
      owned ? value(block: index / Self.block, index % Self.block) : nil)
  }

  /// The point in whose square `target` lies, when the squares of all ranks stand one after the other;
  /// collective.
  private func point(_ target: Int, of sums: [Int], _ squares: [[Int64]]) throws -> [Float] {
    var rest = Int64(target) - Int64(sums[..<communicator.rank].reduce(0, +))
    guard rest >= 0 && rest < Int64(sums[communicator.rank]) else { return try share(nil) }
    for (block, row) in squares.enumerated() {
      for (i, square) in row.enumerated() {
        if rest < square { return try share(value(block: block, i)) }
        rest -= square
      }
    }
    preconditionFailure("the squares do not add up to their sum")
  }

  private func value(block: Int, _ index: Int) -> [Float] {
    Array(blocks[block][index * Self.width..<(index + 1) * Self.width])
  }

  /// Gives all ranks the point that one of them has; collective.
  private func share(_ own: [Float]?) throws -> [Float] {
    var bits = (own ?? [Float](repeating: 0, count: Self.width)).map { Int64($0.bitPattern) }
    try communicator.allreduce(&bits, .sum)
    return bits.map { Float(bitPattern: UInt32($0)) }
  }

  // MARK: - Lloyd's passes

  /// The means of the points that are nearest to each word; collective.
  private func lloydPass(_ words: [Float]) throws -> (words: [Float], meanSquare: Double) {
    let nearest = NearestWords(words, kernelClass: kernelClass)
    let blocks = blocks
    let found = team.map(blocks.count) { block, _ in nearest.nearest(blocks[block]) }
    var sums = sums(of: found, wordCount: nearest.count)
    var square: Int64 = 0
    for block in found {
      for point in block { square += Int64(point.square / Self.squareUnit) }
    }
    sums.append(square)
    try communicator.allreduce(&sums, .sum)
    var moved = words
    for word in 0..<nearest.count {
      let start = word * (Self.width + 1)
      let members = sums[start + Self.width]
      // A word that no point is nearest to stays where it is.
      if members == 0 { continue }
      for j in 0..<Self.width {
        moved[word * Self.width + j] = Float(
          Double(sums[start + j]) / Double(members) * Self.coordinateUnit)
      }
    }
    return (moved, Double(sums.last!) * Self.squareUnit / Double(count))
  }

  /// For each word the sum of its points' coordinates, and how many they are.
  private func sums(of found: [[(word: Int, square: Double)]], wordCount: Int) -> [Int64] {
    let (blocks, width) = (blocks, Self.width)
    let parts = team.threadCount
    let sums = team.map(parts) { (part: Int, _) -> [Int64] in
      let range = wordCount * part / parts..<wordCount * (part + 1) / parts
      var sums = [Int64](repeating: 0, count: range.count * (width + 1))
      for (block, points) in found.enumerated() {
        let values = blocks[block]
        for (i, point) in points.enumerated() where range.contains(point.word) {
          let start = (point.word - range.lowerBound) * (width + 1)
          for j in 0..<width {
            let value = Double(values[i * width + j])
            sums[start + j] += Int64(value / Self.coordinateUnit)
          }
          sums[start + width] += 1
        }
      }
      return sums
    }
    return sums.flatMap { $0 }
  }
}
