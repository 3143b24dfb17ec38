import Communication
import Descriptors
import Files
import Tensors
import TestSupport

@testable import Extraction

extension FuzzTarget {
  private static let width = 128

  private static func codebook() throws -> Codebook {
    var chance = SeededGenerator(seed: 3)
    return Codebook(
      words: (0..<6 * width).map { _ in Float(chance.uniform()) },
      origin: .init(
        transform: .object([:]), decode: "exact", list: SHA256Digest(of: []), rows: 2, wordCount: 6,
        sample: 20, seed: 1, iterations: 3, kernelClass: .baseline),
      outcome: .init(descriptors: 20, failedImages: 0, passes: 2, meanSquare: 0.5))
  }

  /// A checkpoint of a job with three images, one of them unusable.
  private static func checkpoint(_ path: String, _ phase: CodebookProgress.Phase) throws {
    var progress = CodebookProgress(imageCount: 3)
    progress.phase = phase
    progress.outcomes = [2, CodebookProgress.hasFailed, phase == .images ? -1 : 1]
    let count = progress.outcomes.reduce(0) { $0 + max($1, 0) }
    progress.pieces = progress.outcomes.filter { $0 > 0 }.map {
      [Float](repeating: 0.25, count: $0 * width)
    }
    progress.failure = .init(image: 1, text: "row 1: truncated")
    if phase != .images { progress.words = [Float](repeating: 0.5, count: 2 * width) }
    if phase == .words { progress.squares = [Int64](repeating: 7, count: count) }
    if phase == .passes { (progress.passes, progress.meanSquare) = (2, 0.5) }
    try checkpointer(path).write(progress)
  }

  private static func checkpointer(_ path: String) -> CodebookCheckpointer {
    CodebookCheckpointer(
      path, job: .object(["seed": .number(1)]), .init(interval: .zero),
      communicator: InProcessCommunicator.alone(), requireSoundInputs: {})
  }

  static let codebooks = [
    FuzzTarget(
      "codebook",
      FuzzSeeds { folder in
        let path = "\(folder)/seed.safetensors"
        try codebook().save(path)
        return [try readTestFile(path)]
      }
    ) { bytes, folder in
      let found = try Codebook.load(writeTestFile(bytes, "codebook.safetensors", in: folder))
      let words = NearestWords(found.words, kernelClass: .baseline)
      _ = (words.nearest([Float](repeating: 0.1, count: width)), found.sha256)
    },
    FuzzTarget(
      "codebook-checkpoint",
      FuzzSeeds { folder in
        try [CodebookProgress.Phase.images, .words, .passes].map { phase in
          let path = "\(folder)/\(phase).checkpoint"
          try checkpoint(path, phase)
          return try readTestFile(path)
        }
      }
    ) { bytes, folder in
      let path = try writeTestFile(bytes, "codebook.checkpoint", in: folder)
      _ = try checkpointer(path).resume(imageCount: 3)
    },
  ]
}
