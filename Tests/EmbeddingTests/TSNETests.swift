import Foundation
import Testing

@testable import Embedding
@testable import Tensors

/// Clusters of rows in `width` dimensions, one after the other.
func clusteredRows(_ count: Int, width: Int, clusters: Int, seed: UInt64 = 3) -> [Float] {
  var generator = SeededGenerator(seed: seed)
  let centres = (0..<clusters * width).map { _ in 4 * generator.normal() }
  return (0..<count).flatMap { i in
    (0..<width).map { centres[i % clusters * width + $0] + generator.normal() }
  }
}

func affinities(_ count: Int, perplexity: Double = 10, team: ThreadTeam) -> Affinities {
  let rows = clusteredRows(count, width: 8, clusters: 5)
  let near = Neighborhoods(of: rows, width: 8, size: Int(3 * perplexity), team: team)
  return Affinities(near, count: count, perplexity: perplexity, team: team)
}

@Suite struct TSNETests {
  /// KL(P‖Q) by its definition, over all pairs, in double precision.
  static func slowDivergence(_ graph: SparseGraph, _ x: [Double]) -> Double {
    let n = graph.count
    func weight(_ i: Int, _ j: Int) -> Double {
      let (dx, dy) = (x[i] - x[j], x[n + i] - x[n + j])
      return 1 / (1 + dx * dx + dy * dy)
    }
    var z = 0.0
    for i in 0..<n { for j in 0..<n where i != j { z += weight(i, j) } }
    var sum = 0.0
    for i in 0..<n {
      for e in Int(graph.starts[i])..<Int(graph.starts[i + 1]) {
        let p = Double(graph.weights[e])
        sum += p * (p / (weight(i, Int(graph.columns[e])) / z)).logarithm
      }
    }
    return sum
  }

  static func places(_ n: Int, spread: Float) -> [Float] {
    var generator = SeededGenerator(seed: 8)
    return (0..<2 * n).map { _ in spread * generator.normal() }
  }

  /// By central differences of the definition; the gradient is four times what is computed. Single
  /// precision and steps of 1e-4 leave 1e-4 of the largest.
  @Test func gradientIsThatOfTheDivergence() {
    let team = ThreadTeam(threadCount: 2)
    let graph = affinities(60, team: team).graph
    let start = Self.places(60, spread: 2)
    let motion = PlaneMotion(start, graph, isExact: true)
    motion.computeForces(team: team)
    let found = motion.gradient()
    let x = start.map { Double($0) }
    let expected = x.indices.map { i in
      let h = 1e-4
      var (up, down) = (x, x)
      up[i] += h
      down[i] -= h
      return (Self.slowDivergence(graph, up) - Self.slowDivergence(graph, down)) / (2 * h)
    }
    let largest = expected.map(abs).max()!
    for (a, b) in zip(found, expected) { #expect(abs(4 * Double(a) - b) < 1e-4 * largest) }
  }

  /// The mesh tells forces to 0.1 % in the mean, and to 1 % where points lie so close together that forces
  /// are next to nothing and rounding shows; normalizations to 1e-5. With forces off by 2 %, t-SNE of
  /// 20,000 rows ends with a divergence of 0.94 in place of 0.77.
  @Test(
    arguments: zip(
      [1e-4, 0.5, 3, 20, 60] as [Float], [0.01, 0.001, 0.001, 0.001, 0.001] as [Float]))
  func meshAgreesWithAllPairs(spread: Float, tolerance: Float) {
    let team = ThreadTeam(threadCount: 2)
    let n = 1500
    let graph = SparseGraph(starts: [UInt64](repeating: 0, count: n + 1), columns: [], weights: [])
    let start = Self.places(n, spread: spread)
    let exact = PlaneMotion(start, graph, isExact: true)
    let mesh = PlaneMotion(start, graph, isExact: false)
    exact.computeForces(team: team)
    mesh.computeForces(team: team)
    #expect(
      abs(exact.normalization - mesh.normalization)
        < 1e-5 * exact.normalization + 1e-5 * Double(n),
      "\(exact.normalization) \(mesh.normalization)")
    // Without their norms, which differ as above.
    let (a, b) = (exact.gradient(), mesh.gradient())
    let scale = Float(mesh.normalization / exact.normalization)
    let size = a.reduce(0) { $0 + $1 * $1 }
    let error = (zip(a, b).reduce(0) { $0 + ($1.0 - $1.1 * scale) * ($1.0 - $1.1 * scale) } / size)
      .squareRoot()
    #expect(error < tolerance, "\(error)")
  }

  @Test(arguments: [true, false])
  func threadsDoNotChangeABit(isExact: Bool) {
    var options = TSNE.Options()
    options.iterations = 60
    options.isExact = isExact
    let results = [1, 2, 5].map { threads in
      let team = ThreadTeam(threadCount: threads)
      return TSNE(
        affinities(700, team: team).graph, start: Self.places(700, spread: 1e-4), options: options,
        team: team)
    }
    #expect(results.allSatisfy { $0.coordinates == results[0].coordinates })
  }

  @Test(arguments: [true, false])
  func divergenceFallsAndClustersPart(isExact: Bool) {
    let team = ThreadTeam(threadCount: 2)
    let graph = affinities(500, team: team).graph
    var options = TSNE.Options()
    options.isExact = isExact
    let divergences = [260, 400, 1000].map { iterations in
      options.iterations = iterations
      return TSNE(graph, start: Self.places(500, spread: 1e-4), options: options, team: team)
    }
    #expect(divergences[0].divergence > divergences[1].divergence)
    #expect(divergences[1].divergence > divergences[2].divergence)
    let x = divergences[2].coordinates
    let places = x.map { Float($0) }
    let near = Neighborhoods(of: places, width: 2, size: 5, team: team)
    let alike = near.indices.enumerated().filter { $0.offset / 5 % 5 == Int($0.element) % 5 }.count
    #expect(alike > 2475)
    let slow = Self.slowDivergence(
      graph, (0..<2).flatMap { axis in (0..<500).map { x[2 * $0 + axis] } })
    #expect(abs(slow - divergences[2].divergence) < 2e-3 * slow)
  }

  /// A point alone on the mesh moves nowhere: what it finds of itself is taken away, to rounding.
  @Test(arguments: [0, 0.01, 0.13, 0.27, 5, 40] as [Float])
  func meshTellsAPointNothingOfItself(place: Float) {
    let graph = SparseGraph(starts: [0, 0, 0, 0], columns: [], weights: [])
    // The others are where their forces are next to nothing.
    let motion = PlaneMotion([0, place, 500, 0, 500 + place, 500], graph, isExact: false)
    motion.computeForces(team: ThreadTeam(threadCount: 1))
    #expect(motion.normalization < 1e-4, "\(motion.normalization)")
    let scale = Float(motion.normalization)
    #expect(motion.gradient().allSatisfy { abs($0 * scale) < 1e-5 })
  }

  /// The mesh brings the points to places as good as those where all pairs bring them; other ones, so
  /// that chance may be worth some hundredths.
  @Test func meshEndsWithTheDivergenceOfAllPairs() {
    let team = ThreadTeam(threadCount: 2)
    let graph = affinities(1200, perplexity: 20, team: team).graph
    let start = Self.places(1200, spread: 1e-4)
    let divergences = [true, false].map { isExact in
      var options = TSNE.Options()
      options.isExact = isExact
      return TSNE(graph, start: start, options: options, team: team).divergence
    }
    #expect(divergences[1] < 1.05 * divergences[0], "\(divergences)")
  }

  @Test func meshSizesAreOfSmallFactors() {
    #expect(PotentialMesh.sizes.starts(with: [64, 128, 192, 256, 320, 384, 512, 576, 640, 768]))
    #expect(PotentialMesh.sizes.last == 8192)
  }

  @Test func aFewRowsAndEqualRowsAreBorne() {
    let team = ThreadTeam(threadCount: 1)
    let cases: [[Float]] = [[Float](repeating: 1, count: 3 * 4), [1, 2, 3, 4]]
    for rows in cases {
      let count = rows.count / 4
      let near = Neighborhoods(of: rows, width: 4, size: 90, team: team)
      let graph = Affinities(near, count: count, perplexity: 30, team: team).graph
      let found = TSNE(
        graph, start: TSNE.start(rows, width: 4, seed: 1), team: team)
      #expect(found.coordinates.count == 2 * count && found.coordinates.allSatisfy(\.isFinite))
    }
  }
}

@Suite struct AffinitiesTests {
  @Test(arguments: [2.0, 10, 30])
  func perplexityIsMet(perplexity: Double) {
    var generator = SeededGenerator(seed: 5)
    let squares = (0..<90).map { _ in 100 * generator.uniform() }.sorted()
    let p = Affinities.conditional(squares, perplexity: perplexity)
    let entropy = -p.reduce(0) { $0 + ($1 > 0 ? $1 * $1.logarithm : 0) }
    #expect(abs(entropy - perplexity.logarithm) < 1e-5)
    #expect(abs(p.reduce(0, +) - 1) < 1e-12 && zip(p, p.dropFirst()).allSatisfy { $0 >= $1 })
  }

  @Test func equalDistancesAreAlike() {
    #expect(Affinities.conditional([4, 4, 4, 4], perplexity: 2) == [0.25, 0.25, 0.25, 0.25])
    #expect(Affinities.conditional([], perplexity: 2) == [])
  }

  @Test func affinitiesAreSymmetricAndSumToOne() {
    let graph = affinities(300, team: ThreadTeam(threadCount: 2)).graph
    var values: [[UInt32]: Float] = [:]
    for i in 0..<300 {
      for e in Int(graph.starts[i])..<Int(graph.starts[i + 1]) {
        values[[UInt32(i), graph.columns[e]]] = graph.weights[e]
      }
    }
    #expect(values.allSatisfy { abs(values[[$0.key[1], $0.key[0]]]! - $0.value) < 1e-9 })
    #expect(abs(values.values.reduce(0, +) - 1) < 1e-4)
  }
}

@Suite struct NeighborhoodsTests {
  @Test(arguments: [(1, 3), (2, 1), (37, 5), (1500, 20)])
  func theyAreThoseOfAllPairs(count: Int, size: Int) {
    let rows = clusteredRows(count, width: 7, clusters: 3)
    let found = Neighborhoods(of: rows, width: 7, size: size, team: ThreadTeam(threadCount: 3))
    #expect(found.size == min(size, count - 1) && found.indices.count == count * found.size)
    for i in stride(from: 0, to: found.size == 0 ? 0 : count, by: 13) {
      let squares = (0..<count).map { j in
        (0..<7).reduce(0.0) { sum, k in
          let difference = Double(rows[i * 7 + k]) - Double(rows[j * 7 + k])
          return sum + difference * difference
        }
      }
      let expected = (0..<count).filter { $0 != i }.sorted { (squares[$0], $0) < (squares[$1], $1) }
      let own = found.indices[i * found.size..<(i + 1) * found.size].map { Int($0) }
      #expect(own == Array(expected.prefix(found.size)))
    }
  }

  @Test(arguments: [(1, 9, 3), (1100, 40, 4), (300, 1, 300)])
  func neighborsAmongOthersAreThoseOfAllPairs(candidates: Int, queries: Int, size: Int) {
    let count = candidates + queries
    let rows = clusteredRows(count, width: 7, clusters: 3)
    let found = Neighborhoods(
      of: rows, width: 7, queries: Array(candidates..<count), candidates: candidates, size: size,
      team: ThreadTeam(threadCount: 2))
    #expect(found.size == min(size, candidates))
    for query in 0..<queries {
      let squares = (0..<candidates).map { j in
        (0..<7).reduce(0.0) { sum, k in
          let difference = Double(rows[(candidates + query) * 7 + k]) - Double(rows[j * 7 + k])
          return sum + difference * difference
        }
      }
      let expected = squares.indices.sorted { (squares[$0], $0) < (squares[$1], $1) }
      let own = found.indices[query * found.size..<(query + 1) * found.size].map { Int($0) }
      #expect(own == Array(expected.prefix(found.size)))
    }
  }
}

extension Double {
  var logarithm: Double { log(self) }

  /// Many classes of few rows: exaggerated attraction draws them to one point, and they must part again.
  @Test(arguments: [true, false]) func manySmallClassesPart(isExact: Bool) {
    let (classes, width, team) = (200, 32, ThreadTeam(threadCount: 2))
    let rows = clusteredRows(5 * classes, width: width, clusters: classes)
    let near = Neighborhoods(of: rows, width: width, size: 90, team: team)
    let graph = Affinities(near, count: 5 * classes, perplexity: 30, team: team).graph
    var options = TSNE.Options()
    options.isExact = isExact
    let found = TSNE(
      graph, start: TSNE.start(rows, width: width, seed: 1), options: options, team: team)
    let largest = found.coordinates.map(abs).max()!
    #expect(largest > 10 && largest < 1000)
    #expect(found.divergence < 2)
  }
}
