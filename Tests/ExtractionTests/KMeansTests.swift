import Communication
import Descriptors
import Files
import Foundation
import Logging
import Tensors
import TestSupport
import Testing

@testable import Extraction

@Suite struct KMeansTests {
  /// Points about `clusters` centres, `each` a centre, one of each centre after the other.
  private static func points(clusters: Int, each: Int, spread: Float) -> [Float] {
    var chance = SeededGenerator(seed: 11)
    let centers = (0..<clusters).map { _ in (0..<128).map { _ in Float(chance.uniform()) / 12 } }
    return (0..<each).flatMap { _ in
      centers.flatMap { center in center.map { $0 + spread * (Float(chance.uniform()) - 0.5) } }
    }
  }

  private static func run(
    _ points: [Float], ranks: Int, threads: Int = 1, words: Int, iterations: Int = 30,
    kernelClass: KernelClass = .baseline
  ) throws -> [KMeans.Outcome] {
    try InProcessCommunicator.run(size: ranks) { communicator in
      let count = points.count / 128
      let own = count * communicator.rank / ranks..<count * (communicator.rank + 1) / ranks
      return try KMeans(
        Array(points[own.lowerBound * 128..<own.upperBound * 128]), communicator: communicator,
        team: ThreadTeam(threadCount: threads), kernelClass: kernelClass
      ) { _, _, _ in }.run(wordCount: words, seed: 4, iterations: iterations)
    }
  }

  @Test func wordsAreTheMeansOfSeparateClusters() throws {
    let (clusters, each) = (7, 30)
    let points = Self.points(clusters: clusters, each: each, spread: 1e-3)
    let words = try Self.run(points, ranks: 1, words: clusters)[0].words
    var found = Set<Int>()
    for cluster in 0..<clusters {
      let mean = (0..<128).map { j in
        (0..<each).reduce(0.0) { $0 + Double(points[($1 * clusters + cluster) * 128 + j]) }
          / Double(each)
      }
      let word = (0..<clusters).first { word in
        mean.indices.allSatisfy { abs(mean[$0] - Double(words[word * 128 + $0])) < 1e-7 }
      }
      found.insert(try #require(word, "no word is the mean of cluster \(cluster)"))
    }
    #expect(found.count == clusters)
  }

  @Test(arguments: [(2, 1), (3, 2), (5, 1), (1, 3)])
  func ranksAndThreadsDoNotShow(ranks: Int, threads: Int) throws {
    // More points than a block, which no rank count divides; no clear clusters.
    let points = Self.points(clusters: 2203, each: 1, spread: 0)
    let plain = try Self.run(points, ranks: 1, words: 12, iterations: 4)[0]
    for outcome in try Self.run(points, ranks: ranks, threads: threads, words: 12, iterations: 4) {
      #expect(outcome.words == plain.words && outcome.meanSquare == plain.meanSquare)
    }
  }

  @Test func moreRanksThanPointsWork() throws {
    let points = Self.points(clusters: 3, each: 1, spread: 0)
    let outcome = try Self.run(points, ranks: 5, words: 3)[4]
    #expect(outcome.meanSquare < 1e-9)
  }

  @Test func passesComeNearer() throws {
    let points = Self.points(clusters: 300, each: 2, spread: 0.02)
    let squares = try [1, 2, 4, 8].map {
      try Self.run(points, ranks: 1, words: 20, iterations: $0)[0].meanSquare
    }
    #expect(zip(squares, squares.dropFirst()).allSatisfy { $1 <= $0 })
    // What the first pass measures is the distance from the first words, by the definition.
    let first = try Self.run(points, ranks: 2, words: 20, iterations: 1)[0]
    #expect(first.meanSquare == squares[0])
  }

  @Test func tooFewDifferentPointsAreRefused() throws {
    let points = Self.points(clusters: 3, each: 9, spread: 0)
    #expect(throws: CodebookError.tooFewDescriptors(found: 3, words: 4)) {
      try Self.run(points, ranks: 2, words: 4)
    }
    #expect(throws: CodebookError.tooFewDescriptors(found: 27, words: 40)) {
      try Self.run(points, ranks: 1, words: 40)
    }
  }
}
