import FeatureStore
import Foundation
import Tensors
import TestSupport
import Testing

/// Options of an extraction that decide, or must not decide, the bytes of its store.
@Suite struct ExtractOptionTests {
  private func contents(_ store: String) throws -> [String: Data] {
    try ExtractionFixture.contents(ofStore: store)
  }

  @Test(.enabled(if: KernelClass.supported.count > 1))
  func anotherKernelClassIsRefusedUnlessTheStoresOwnIsKept() throws {
    try withTemporaryFolder { folder in
      let baseline = ["DECAF_KERNEL": "baseline"]
      let whole = try Program.decaf.run(
        try CommandFixture.extract("\(folder)/whole"), environment: baseline)
      try #require(whole.status == 0, "\(whole.errors)")

      let store = "\(folder)/store"
      let stopped = try Program.decaf.run(
        try CommandFixture.extract(store, "--batch", "2", "--max-hours", "1e-5"),
        environment: baseline)
      try #require(stopped.status == 75, "\(stopped.errors)")
      let refused = try Program.decaf.run(try CommandFixture.extract(store))
      #expect(refused.status == 73)
      #expect(refused.errors.contains("kernelClass: the store has baseline"), "\(refused.errors)")
      #expect(refused.errors.contains("--keep-kernel"))

      let kept = try Program.decaf.on(ranks: 2).run(
        try CommandFixture.extract(store, "--keep-kernel"))
      #expect(kept.status == 0, "\(kept.errors)")
      #expect(kept.errors.contains("baseline kernels"))
      #expect(try contents(store) == contents("\(folder)/whole"))
    }
  }

  @Test func keepingKernelsChangesNothingForANewStore() throws {
    try withTemporaryFolder { folder in
      for (name, options) in [("plain", []), ("kept", ["--keep-kernel"])] {
        let run = try Program.decaf.run(
          try CommandFixture.extract("\(folder)/\(name)") + options)
        #expect(run.status == 0, "\(run.errors)")
      }
      #expect(try contents("\(folder)/plain") == contents("\(folder)/kept"))
    }
  }

  @Test func precisionIsPartOfTheStoresIdentity() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      let options = ["--precision", "bf16"]
      let rounded = try Program.decaf.run(try CommandFixture.extract(store) + options)
      guard BFloat16Kernels.native != nil else {
        #expect(rounded.status == 64)
        #expect(rounded.errors.contains("expected a processor with AMX"), "\(rounded.errors)")
        return
      }
      #expect(rounded.status == 0, "\(rounded.errors)")
      #expect(rounded.errors.contains("caffenet in bf16"), "\(rounded.errors)")
      #expect(try Store(store).provenance.recipe.precision == "bf16")
      let ranks = try Program.decaf.on(ranks: 2).run(
        try CommandFixture.extract("\(folder)/ranks") + options)
      #expect(ranks.status == 0, "\(ranks.errors)")
      #expect(try contents(store) == contents("\(folder)/ranks"))
      let plain = try Program.decaf.run(try CommandFixture.extract(store))
      #expect(plain.status == 73)
      #expect(plain.errors.contains("precision: the store has bf16, this job has fp32"))
    }
  }

  @Test func decodingIsPartOfTheStoresIdentity() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      let fast = try Program.decaf.run(try CommandFixture.extract(store, "--decode", "fast"))
      #expect(fast.status == 0, "\(fast.errors)")
      #expect(try Store(store).provenance.recipe.decode == "fast")
      let exact = try Program.decaf.run(try CommandFixture.extract(store))
      #expect(exact.status == 73)
      #expect(exact.errors.contains("decode: the store has fast, this job has exact"))
    }
  }

  @Test func summaryAndRecordShowWhereTimeGoes() throws {
    try withTemporaryFolder { folder in
      let run = try Program.decaf.on(ranks: 2).run(
        try CommandFixture.extract("\(folder)/store", "--batch", "4"))
      try #require(run.status == 0, "\(run.errors)")
      for text in [
        "start", "read", "decode", "resize", "engine", "rows", "write", "wait", "gather",
        "conv1 ", "pool5 ", "before the first batch",
      ] { #expect(run.output.contains(text), "\(run.output)") }

      let bytes = try #require(
        FileManager.default.contents(atPath: "\(folder)/store/runs/0001.json"))
      let record = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
      let facts = try #require(record["programFacts"] as? [String: String])
      #expect(Set(["commit", "compiler", "MPI", "kernels"]).isSubset(of: facts.keys))
      let ranks = try #require(record["ranks"] as? [[String: Any]])
      #expect(ranks.count == 2)
      for rank in ranks where (rank["images"] as? Double ?? 0) > 0 {
        for key in ["startSeconds", "decodeSeconds", "transformSeconds", "computeSeconds"] {
          #expect(rank[key] as? Double ?? 0 > 0, "\(key)")
        }
        let layers = try #require(rank["layers"] as? [[String: Any]])
        #expect(layers.contains { $0["layer"] as? String == "conv3" })
      }
      #expect(record["gatherSeconds"] as? Double != nil)
    }
  }

  @Test(arguments: [nil, 2])
  func profileShowsEveryLayer(ranks: Int?) throws {
    let model = try CommandFixture.shared.get().model
    let run = try Program.decaf.on(ranks: ranks).run(
      ["profile", "--model", model, "--batch", "2", "--rounds", "1", "--threads", "1"])
    #expect(run.status == 0, "\(run.errors)")
    for text in [
      "caffenet, ", "ranks \(ranks ?? 1), threads a rank 1, batch 2", "conv1 ", "conv5 ",
      "GFLOP/s", "images/s",
    ] { #expect(run.output.contains(text), "\(run.output)") }
    let unreachable = try Program.decaf.on(ranks: ranks).run(
      ["profile", "--model", model, "--layer", "fc7"])
    #expect(unreachable.status == 65 && unreachable.errors.contains("fc7"))
  }
}
