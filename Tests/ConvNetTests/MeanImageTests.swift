import Files
import Tensors
import TestSupport
import Testing

@testable import ConvNet

/// One mean image in every kind of file.
@Suite struct MeanImageTests {
  private static let numbers = (0..<3 * 4 * 4).map { Float($0) * 1.5 + 0.25 }

  private static func meta(_ shape: [Int]) -> [UInt8] {
    PickleObject.dictionary([
      ("label_names", .list([.text("tench"), .text("goldfish")])),
      ("data_mean", .array(shape, numbers)),
    ]).pickle
  }

  private static let files: [String: [UInt8]] = [
    "npy": NPYWriter.array("<f4", "3, 4, 4", NPYWriter.floats(numbers)),
    "binaryproto": CaffeModelFixture.blob([1, 3, 4, 4], numbers),
    "meta": meta([48]),
    "column.meta": meta([48, 1]),
    "buffer.meta": PickleObject.dictionary([("data_mean", .buffer([48], numbers))]).pickle,
  ]

  @Test func everyKindOfFileGivesTheSameImage() throws {
    try withTemporaryFolder { folder in
      for (ending, bytes) in Self.files {
        let image = try MeanImageFile(
          contentsOf: writeTestFile(bytes, "mean." + ending, in: folder))
        #expect((image.width, image.height) == (4, 4), "\(ending)")
        #expect(image.image?.values == Self.numbers, "\(ending)")
      }
    }
  }

  @Test func whatIsNoneIsNamed() throws {
    try withTemporaryFolder { folder in
      for (bytes, words) in [
        (CaffeModelFixture.blob([1, 1, 4, 4], Array(Self.numbers[..<16])), "found 1×4×4"),
        (PickleObject.dictionary([("x", .integer(1))]).pickle, "without an array"),
        (Array("P6 4 4 255".utf8), "mean.x"),
        (CaffeModelFixture.blob([1, 3, 1, 1], [1, 2, .nan]), "not finite"),
      ] {
        let error = #expect(throws: ProblemError.self) {
          try MeanImageFile(contentsOf: writeTestFile(bytes, "mean.x", in: folder))
        }
        #expect(error?.text.contains(words) == true, "\(String(describing: error))")
      }
    }
  }
}
