import Foundation
import TestSupport
import Testing

/// Hand-made features from the command line: extraction, codebook, info, prediction.
@Suite struct DescriptorCommandTests {
  private func run(_ arguments: String..., ranks: Int? = nil) throws -> Program.Run {
    try Program.decaf.on(ranks: ranks).run(arguments)
  }

  @Test func codebookToPrediction() throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.shared.get().list
      let words = "\(folder)/words.safetensors"
      let make = [
        "codebook", list, "--words", "16", "--sample", "900", "--iterations", "4", "--output",
      ]
      let made = try Program.decaf.run(make + [words])
      try #require(made.status == 0, "\(made.errors)")
      #expect(made.output.contains("5 failed") && made.errors.contains("cannot be used: 5"))
      let spread = try Program.decaf.on(ranks: 3).run(make + ["\(folder)/3.safetensors"])
      #expect(spread.status == 0, "\(spread.errors)")
      #expect(
        FileManager.default.contents(atPath: words)
          == FileManager.default.contents(atPath: "\(folder)/3.safetensors"))

      // The same command is done; another must not replace what is there.
      #expect(try Program.decaf.run(make + [words]).status == 0)
      let other = try run("codebook", list, "--words", "8", "--output", words)
      #expect(other.status == 73 && other.errors.contains("--overwrite"), "\(other.errors)")
      let info = try run("info", words)
      #expect(info.output.contains("a codebook of LLC") && info.output.contains("16"))

      let store = "\(folder)/llc.store"
      let extracted = try run(
        "extract", list, "--descriptor", "llc", "--codebook", words, "--output", store, ranks: 2)
      try #require(extracted.status == 0, "\(extracted.errors)")
      #expect(try run("info", store).output.contains("llc (336)"))
      #expect(try run("verify", store).status == 0)
      let classifier = "\(folder)/c.safetensors"
      let trained = try run("train", store, "--layer", "llc", "--C", "1", "--output", classifier)
      try #require(trained.status == 0, "\(trained.errors)")
      let tables = ["\(folder)/a.tsv", "\(folder)/b.tsv"]
      #expect(try run("predict", classifier, store, "--output", tables[0]).status == 0)
      let direct = try run(
        "predict", classifier, list, "--codebook", words, "--output", tables[1])
      #expect(direct.status == 0, "\(direct.errors)")
      #expect(
        FileManager.default.contents(atPath: tables[0])
          == FileManager.default.contents(atPath: tables[1]))
    }
  }

  @Test func gistNeedsNoFile() throws {
    try withTemporaryFolder { folder in
      let list = try CommandFixture.shared.get().list
      let store = "\(folder)/gist.store"
      #expect(
        try run("extract", list, "--descriptor", "gist", "--dry-run", "--output", store)
          .output.contains("gist (512)"))
      let extracted = try run("extract", list, "--descriptor", "gist", "--output", store)
      try #require(extracted.status == 0, "\(extracted.errors)")
      let info = try run("info", store)
      #expect(info.output.contains("descriptor") && !info.output.contains("weights"))
      let classifier = "\(folder)/c.safetensors"
      #expect(
        try run("train", store, "--layer", "gist", "--C", "1", "--output", classifier).status == 0)
      let predicted = try run("predict", classifier, list, "--output", "\(folder)/p.tsv")
      #expect(predicted.status == 0, "\(predicted.errors)")
      let near = try run(
        "neighbors", store, "--layer", "gist", "--among", store, "--count", "1", "--output",
        "\(folder)/near.tsv")
      // Each row is its own nearest.
      #expect(near.status == 0 && near.output.contains("100.0 %"), "\(near.output)\(near.errors)")
    }
  }

  @Test(arguments: [
    (["--descriptor", "llc"], "--codebook"),
    (["--descriptor", "gist", "--codebook", "w"], "no use"),
    (["--codebook", "w", "--model", "m"], "--descriptor llc"), ([], "--descriptor"),
    (["--descriptor", "gist", "--model", "m"], "--model is of networks"),
    (["--descriptor", "gist", "--layers", "fc6"], "--layers is of networks"),
    (["--descriptor", "gist", "--views", "ten"], "--views is of networks"),
    (["--descriptor", "gist", "--preprocess", "caffe"], "--preprocess is of networks"),
    (["--descriptor", "hog"], "gist"),
  ])
  func whatDoesNotGoTogetherIsRefused(options: [String], mentions: String) throws {
    let run = try Program.decaf.run(["extract", "list.txt", "--output", "s"] + options)
    #expect(run.status == 64 && run.errors.contains(mentions), "\(run.errors)")
  }

  @Test func anythingElseIsNoCodebook() throws {
    try withTemporaryFolder { folder in
      let fixture = try CommandFixture.shared.get()
      for path in [fixture.model, fixture.list, "\(folder)/none.safetensors"] {
        let run = try run(
          "extract", fixture.list, "--descriptor", "llc", "--codebook", path, "--output",
          "\(folder)/s")
        #expect(run.status == 65 && run.errors.contains(path), "\(run.errors)")
      }
    }
  }
}
