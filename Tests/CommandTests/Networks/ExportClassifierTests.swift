import Files
import Foundation
import TestSupport
import Testing

/// `decaf export CLASSIFIER --format onnx`; what the models compute, `Scripts/check` compares with ONNX
/// Runtime.
@Suite struct ExportClassifierTests {
  @Test func classifiersGoAloneAndBehindTheirNetworkOnly() throws {
    try withTemporaryFolder { folder in
      func run(_ words: String...) throws -> (status: Int32, errors: String) {
        let run = try Program.decaf.run(words)
        return (run.status, run.errors)
      }
      let fixture = try CommandFixture.shared.get()
      let extraction = try Program.decaf.run(
        try CommandFixture.extract("\(folder)/store", "--layers", "pool5"))
      #expect(extraction.status == 0, "\(extraction.errors)")
      let classifier = "\(folder)/c.safetensors"
      let training = try run(
        "train", "\(folder)/store", "--layer", "pool5", "--normalize", "l2", "--output", classifier)
      #expect(training.status == 0, "\(training.errors)")

      let export = ["export", classifier, "--format", "onnx", "--output"]
      for (name, options) in [("alone", []), ("whole", ["--model", fixture.model])] {
        let done = try Program.decaf.run(export + ["\(folder)/\(name).onnx"] + options)
        #expect(done.status == 0, "\(done.errors)")
        // What is there is not replaced.
        #expect(try Program.decaf.run(export + ["\(folder)/\(name).onnx"] + options).status == 73)
      }
      let sizes = try ["alone", "whole"].map {
        try #require(try FileSystem.byteCount(of: "\(folder)/\($0).onnx"))
      }
      let modelSize = try #require(try FileSystem.byteCount(of: fixture.model))
      #expect(sizes[1] - sizes[0] > modelSize - 100_000)

      _ = try run(
        "model", "generate", "--network", "nin", "--seed", "1", "--output",
        "\(folder)/n.safetensors")
      let other = try Program.decaf.run(
        export + ["\(folder)/x.onnx", "--model", "\(folder)/n.safetensors"])
      #expect(other.status == 65 && other.errors.contains("is not the network"), "\(other.errors)")

      #expect(
        try run("export", "\(folder)/store", "--format", "onnx", "--output", "x").status == 64)
      #expect(
        try run("export", "\(folder)/store", "--format", "npz", "--model", "m", "--output", "x")
          .status
          == 64)
    }
  }
}
