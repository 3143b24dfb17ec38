import Files
import Formats
import Foundation
import TestSupport
import Testing

/// `decaf model verify`: what it writes agrees with itself, and what differs is named.
@Suite struct ModelVerifyTests {
  private func verify(_ options: String...) throws -> Program.Run {
    try Program.decaf.run(
      ["model", "verify", try CommandFixture.shared.get().model, "--threads", "1"] + options)
  }

  @Test func whatIsWrittenAgrees() throws {
    try withTemporaryFolder { folder in
      let first = try verify("--write", "\(folder)/ours.npz")
      #expect(first.status == 0, "\(first.errors)")
      let again = try verify()
      let digests = first.output.split(separator: "\n").filter { $0.contains("e+00") }
      #expect(!digests.isEmpty && digests.allSatisfy { again.output.contains($0) })

      let same = try verify("--expect", "\(folder)/ours.npz")
      #expect(same.status == 0 && same.output.contains("same within 1e-4"), "\(same.errors)")
      #expect(same.output.contains("pool5") && same.output.contains("of \(folder)/ours.npz"))
      // What is there is not replaced.
      #expect(try verify("--write", "\(folder)/ours.npz").status == 73)
    }
  }

  @Test func differencesAreNamed() throws {
    try withTemporaryFolder { folder in
      _ = try verify("--write", "\(folder)/ours.npz")
      var arrays = try NPZFile.variables(try MappedFile("\(folder)/ours.npz")).map { variable in
        var values: [Float] = []
        let numbers = variable.numbers!
        numbers.append(0..<numbers.rowCount, to: &values)
        return (name: variable.name, shape: numbers.shape, values: values)
      }
      let place = arrays.firstIndex { $0.name == "conv3" }!
      let largest = arrays[place].values.map(abs).max()!
      arrays[place].values[7] += 3e-4 * largest
      try NPZWriter.write(arrays, to: "\(folder)/theirs.npz")
      let run = try verify("--expect", "\(folder)/theirs.npz")
      #expect(run.status == 65, "\(run.errors)")
      #expect(run.output.contains("DIFFERS") && run.errors.contains("magnitude: conv3;"))

      arrays[place].name = "conv33"
      try NPZWriter.write(arrays, to: "\(folder)/theirs.npz")
      let unknown = try verify("--expect", "\(folder)/theirs.npz")
      #expect(unknown.status == 65 && unknown.errors.contains("“conv33” is no activation"))

      arrays[place] = (name: "conv3", shape: [1, 2], values: [1, 2])
      try NPZWriter.write(arrays, to: "\(folder)/theirs.npz")
      let short = try verify("--expect", "\(folder)/theirs.npz")
      #expect(
        short.status == 65 && short.errors.contains("conv3 has 1×2 numbers, expected 1 × 64896"))
    }
  }

  @Test func foldersOfArraysAreCompared() throws {
    try withTemporaryFolder { folder in
      _ = try verify("--write", "\(folder)/ours.npz")
      for variable in try NPZFile.variables(try MappedFile("\(folder)/ours.npz"))
      where ["data", "norm1", "conv5:pre"].contains(variable.name) {
        var values: [Float] = []
        let numbers = variable.numbers!
        numbers.append(0..<numbers.rowCount, to: &values)
        let shape = numbers.shape.map { "\($0), " }.joined()
        _ = try writeTestFile(
          NPYWriter.array("<f4", shape, NPYWriter.floats(values)),
          variable.name.replacingOccurrences(of: ":", with: "-") + ".npy", in: folder)
      }
      let run = try verify("--expect", folder)
      #expect(run.status == 0 && run.output.contains("conv5:pre"), "\(run.errors)")
      try FileManager.default.createDirectory(
        atPath: "\(folder)/empty", withIntermediateDirectories: true)
      #expect(try verify("--expect", "\(folder)/empty").status == 65)
    }
  }
}
