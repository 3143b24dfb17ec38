internal import Classification
internal import Communication
internal import Files
internal import Tensors

/// Trains classifiers of every loss on seeded rows, each rank on its own blocks of them.
struct TrainerPart {
  let communicator: any Communicator
  let team: ThreadTeam

  /// A digest a loss: of the weights of many rows of few features, and of few rows of many.
  func run() throws -> [SelfTestDigest] {
    let kernels = try communicator.lowest { try KernelClass.current }.rawValue
    let sources = [
      SeededRows(rowCount: 1300, width: 37, classCount: 4, seed: 1),
      SeededRows(rowCount: 60, width: 200, classCount: 3, seed: 2),
    ]
    return try Loss.allCases.map { loss in
      var hasher = SHA256Digest.Hasher()
      for rows in sources {
        let result = try Trainer(
          TrainingOptions(loss: loss, C: 0.1), communicator: communicator, team: team
        ).train(rows)
        hasher.update(result.weights)
        hasher.update(result.bias)
      }
      return SelfTestDigest("trainer \(loss.rawValue)", kernels: kernels, hasher)
    }
  }
}

/// Rows as networks make them, of seeded numbers: not negative, many zeros, classes that overlap.
private struct SeededRows: RowSource {
  let name = "seeded rows"
  let width: Int
  let values: [Float]
  let labels: [Int]
  let classNames: [String]
  var rowCount: Int { labels.count }

  init(rowCount: Int, width: Int, classCount: Int, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let centres = (0..<classCount * width).map { _ in generator.normal() * 0.5 }
    labels = (0..<rowCount).map { $0 % classCount }
    values = labels.flatMap { label in
      (0..<width).map { max(0, centres[label * width + $0] + generator.normal()) }
    }
    classNames = (0..<classCount).map { "class \($0)" }
    self.width = width
  }

  func use(of row: Int) -> RowUse { .labelled(labels[row]) }

  func withRows(
    _ rows: Range<Int>, scratch: inout [Float], _ body: (Span<Float>) throws -> Void
  ) throws {
    try body(values.span.extracting(rows.lowerBound * width..<rows.upperBound * width))
  }
}
