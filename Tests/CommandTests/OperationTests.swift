import FeatureStore
import Foundation
import TestSupport
import Testing

/// What people on call see of a job, and what other programs read of it.
@Suite(.serialized) struct OperationTests {
  private func json(_ run: Program.Run) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(run.output.utf8))
    return try #require(object as? [String: Any], "\(run.output)")
  }

  @Test func resultsAreJSONWhereAskedFor() throws {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      let extracted = try Program.decaf.run(try CommandFixture.extract(store, "--json"))
      #expect(extracted.status == 0, "\(extracted.errors)")
      #expect(try json(extracted)["rows"] as? Int == ExtractionFixture.rowCount)
      #expect(try json(extracted)["complete"] as? Bool == true)
      let verified = try Program.decaf.run(["verify", store, "--json"])
      #expect(try json(verified)["sound"] as? Bool == true)
      let train = [
        "train", store, "--layer", "pool5", "--output", "\(folder)/c.safetensors", "--json",
      ]
      let trained = try Program.decaf.run(train)
      #expect(trained.status == 0, "\(trained.errors)")
      #expect(try json(trained)["converged"] as? Bool == true)
      #expect(try json(try Program.decaf.run(train))["wasFinished"] as? Bool == true)
      let predicted = try Program.decaf.run([
        "predict", "\(folder)/c.safetensors", store, "--output", "\(folder)/p.tsv", "--json",
      ])
      #expect(
        try json(predicted)["predicted"] as? Int
          == ExtractionFixture.rowCount - ExtractionFixture.failures.count)
    }
  }

  @Test func metricsTellTheEndOfAJob() throws {
    try withTemporaryFolder { folder in
      let file = "\(folder)/decaf.prom"
      let run = try Program.decaf.on(ranks: 2).run(
        try CommandFixture.extract("\(folder)/store", "--metrics", file, "--batch", "3"))
      #expect(run.status == 0, "\(run.errors)")
      let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self)
      for line in [
        "decaf_state 1", "decaf_rows \(ExtractionFixture.rowCount)",
        "decaf_rows_done \(ExtractionFixture.rowCount)", "decaf_rank_images_total{rank=\"1\",host=",
      ] { #expect(text.contains("\n\(line)"), "\(text)") }
      let refused = try Program.decaf.run(
        try CommandFixture.extract("\(folder)/other", "--metrics", "\(folder)/none/x.prom"))
      #expect(refused.status == 73 && refused.errors.contains("--metrics"), "\(refused.errors)")
    }
  }

  @Test func metricsTellHowTrainingGoes() throws {
    try withTemporaryFolder { folder in
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 300, mean: 0)
      let run = try Program.decaf.run([
        "train", store, "--layer", "fc6", "--output", "\(folder)/c", "--metrics",
        "\(folder)/train.prom",
      ])
      #expect(run.status == 0, "\(run.errors)")
      let text = String(
        decoding: try Data(contentsOf: URL(fileURLWithPath: "\(folder)/train.prom")), as: UTF8.self)
      #expect(text.contains("decaf_training_objective "), "\(text)")
    }
  }

  @Test func theStartSaysWhatRunsWhere() throws {
    try withTemporaryFolder { folder in
      let run = try Program.decaf.on(ranks: 2).run(
        try CommandFixture.extract("\(folder)/store", "--threads", "1"))
      #expect(run.status == 0, "\(run.errors)")
      for text in ["decaf 0.", "Open MPI", "2 ranks on 1 host", "2 ranks of 1 thread", "GB free"] {
        #expect(run.errors.contains(text), "\(run.errors)")
      }
      #expect(run.errors.contains("rows are written by every rank"), "\(run.errors)")
    }
  }

  @Test func aDryRunTellsTimeMemoryAndDisk() throws {
    try withTemporaryFolder { folder in
      let run = try Program.decaf.run(
        try CommandFixture.extract("\(folder)/store", "--dry-run", "--threads", "1"))
      #expect(run.status == 0, "\(run.errors)")
      for name in ["\nspeed       ", "\ntime        ", "\nmemory      ", "\ndisk        "] {
        #expect(run.output.contains(name), "\(run.output)")
      }
    }
  }

  @Test(arguments: ["center", "ten"]) func rowsComputedAnewAreThoseOfTheStore(views: String) throws
  {
    try withTemporaryFolder { folder in
      let store = "\(folder)/store"
      let options = ["--views", views, "--rows-per-shard", "5", "--dtype", "float16"]
      let made = try Program.decaf.on(ranks: 2).run(try CommandFixture.extract(store) + options)
      try #require(made.status == 0, "\(made.errors)")
      let sound = try Program.decaf.run(["verify", store, "--deep", "100"])
      #expect(sound.status == 0, "\(sound.output)\n\(sound.errors)")
      #expect(sound.output.contains("computed anew: \(ExtractionFixture.rowCount) rows"))
    }
  }

  @Test func rowsThatComeOutOtherwiseAreDamage() throws {
    try withTemporaryFolder { folder in
      let fixture = try ExtractionFixture(in: "\(folder)/fixture")
      let store = "\(folder)/store"
      let made = try Program.decaf.run(
        try CommandFixture.extract(store, list: fixture.list, model: fixture.model))
      try #require(made.status == 0, "\(made.errors)")
      let images = "\(fixture.folder)/images"
      try FileManager.default.removeItem(atPath: "\(images)/0.jpg")
      try FileManager.default.copyItem(atPath: "\(images)/1.jpg", toPath: "\(images)/0.jpg")
      try FileManager.default.removeItem(atPath: "\(images)/2.jpg")
      let run = try Program.decaf.run(["verify", store, "--deep", "100"])
      #expect(run.status == 65)
      #expect(run.output.contains("damaged: row 0, images/0.jpg: layer"), "\(run.output)")
      #expect(run.output.contains("damaged: row 2, images/2.jpg: found failed"), "\(run.output)")
      let other = "\(folder)/other.safetensors"
      let generated = try Program.decaf.run([
        "model", "generate", "--seed", "9", "--output", other,
      ])
      try #require(generated.status == 0, "\(generated.errors)")
      let refused = try Program.decaf.run(["verify", store, "--deep", "1", "--model", other])
      #expect(refused.status == 65 && refused.errors.contains("--model"), "\(refused.errors)")
    }
  }
}
