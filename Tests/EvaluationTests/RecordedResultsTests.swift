import Foundation
import Plotting
import TestSupport
import Testing

@testable import Evaluation

/// What is read again from a folder of results.
@Suite struct RecordedResultsTests {
  private func written(_ yaml: String, in folder: String) throws -> EvaluationResult {
    let stores =
      yaml == EvaluationFixture.fewShot
      ? ["images": try EvaluationFixture.store("\(folder)/s")]
      : Dictionary(
        uniqueKeysWithValues: try ["x", "y", "z"].enumerated().map {
          (
            $1,
            try EvaluationFixture.store(
              "\(folder)/\($1)", rowsPerClass: 30, shift: Float($0), seed: UInt64($0),
              layers: ["fc6", "fc7"])
          )
        })
    let evaluation = try EvaluatorTests.protocolOf(yaml)
    let needed = stores.filter { evaluation.roles.contains($0.key) }
    let result = try EvaluatorTests.run(evaluation, needed)
    _ = try result.write(to: "\(folder)/results")
    return result
  }

  @Test func picturesAreThoseOfTheEvaluation() throws {
    try withTemporaryFolder { folder in
      let result = try written(EvaluationFixture.fewShot, in: folder)
      let read = try RecordedResults("\(folder)/results")
      #expect(read.curve?.svg == result.curve?.svg && read.curve != nil)
      #expect(read.confusion == result.confusion.counts)
      #expect(read.classes == result.confusion.classes)
      #expect(
        result.confusion.title == "\(read.title): \(read.bestHeading), \(read.splitCount) splits")
      #expect(read.cells.map(\.accuracy) == result.cells.map(\.mean))
      let published = read.cells.compactMap(\.publishedText)
      #expect(published == ["50.50 ± 1.0"])
      #expect(read.baselines.map(\.text) == ["84.30"] && read.departures == result.departures)
      // Right and tested rows are the matrix's diagonal and its rows.
      let k = read.classes.count
      #expect(read.best.correct == (0..<k).map { read.confusion![$0 * k + $0] })
      #expect(
        read.best.tested
          == (0..<k).map { read.confusion![$0 * k..<($0 + 1) * k].reduce(0, +) })
    }
  }

  @Test func tablesOfDomainsHaveNoCurve() throws {
    try withTemporaryFolder { folder in
      _ = try written(EvaluationFixture.adaptation, in: folder)
      let read = try RecordedResults("\(folder)/results")
      #expect(read.curve == nil && !read.isFewShot)
      #expect(read.bestHeading.contains("→"), "\(read.bestHeading)")
    }
  }

  @Test func damageIsNamed() throws {
    try withTemporaryFolder { folder in
      _ = try written(EvaluationFixture.fewShot, in: folder)
      let path = "\(folder)/results/results.json"
      try Data("{\"protocol\": 3}".utf8).write(to: URL(fileURLWithPath: path))
      #expect {
        try RecordedResults("\(folder)/results")
      } throws: { error in
        if case .unreadableResults("\(folder)/results", _)? = error as? EvaluationError {
          return true
        }
        return false
      }
    }
  }

  /// A matrix of other classes is none of these results'.
  @Test(arguments: ["", "true\\predicted\tx\nx\t1\n", "\n\n\n\n"])
  func anotherMatrixIsLeftOut(text: String) throws {
    try withTemporaryFolder { folder in
      _ = try written(EvaluationFixture.fewShot, in: folder)
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/results/confusion.tsv"))
      #expect(try RecordedResults("\(folder)/results").confusion == nil)
    }
  }
}
