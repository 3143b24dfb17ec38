import Foundation
import TestSupport
import Testing

/// Files that others write, replace or cut short while a command uses them: status 65 and the file's
/// name, never a signal, never a result; the same command with the file as it was continues.
@Suite struct ChangedInputTests {
  /// What happens to a file.
  struct Change: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let make: @Sendable (_ path: String) throws -> Void

    /// Other bytes, as many, in place.
    static let overwritten = Change(testDescription: "overwritten") { path in
      let handle = try #require(FileHandle(forUpdatingAtPath: path))
      let count = try handle.seekToEnd()
      try handle.seek(toOffset: count / 2)
      let bytes = try #require(try handle.readToEnd())
      try handle.seek(toOffset: count / 2)
      try handle.write(contentsOf: Data(bytes.reversed()))
      try handle.close()
    }
    /// Zeros in place of the second half: numbers that nothing else would complain of.
    static let zeroed = Change(testDescription: "zeroed") { path in
      let handle = try #require(FileHandle(forUpdatingAtPath: path))
      let count = try handle.seekToEnd()
      try handle.seek(toOffset: count / 2)
      try handle.write(contentsOf: Data(count: Int(count - count / 2)))
      try handle.close()
    }
    static let cutShort = Change(testDescription: "cut short") { truncate($0, 10) }
    static let replaced = Change(testDescription: "replaced") { path in
      try Data("0.jpg\n".utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
  }

  private func copy(_ path: String, to other: String) throws -> String {
    try? FileManager.default.removeItem(atPath: other)
    try FileManager.default.copyItem(atPath: path, toPath: other)
    return other
  }

  private func contents(_ store: String) throws -> [String: Data] {
    try ExtractionFixture.contents(ofStore: store)
  }

  @Test(arguments: [nil, 2], [Change.overwritten, .cutShort, .replaced])
  func listThatChangesDuringExtraction(ranks: Int?, change: Change) throws {
    try withTemporaryFolder { folder in
      let long = try CommandFixture.longList(in: folder, count: 60)
      let list = try copy(long, to: "\(folder)/list.txt")
      let arguments = try CommandFixture.extract("\(folder)/store", list: list, "--batch", "2")
      let changed = try Program.decaf.on(ranks: ranks).run(
        arguments, pausedAt: "images/0.jpg", in: folder
      ) {
        try change.make(list)
      }
      #expect(changed.status == 65, "\(changed.errors)")
      #expect(changed.errors.contains("\(list) changed while it was in use"), "\(changed.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/store/store.json"))

      _ = try copy(long, to: list)
      let continued = try Program.decaf.run(arguments)
      #expect(continued.status == 0, "\(continued.errors)")
      let plain = try CommandFixture.extract("\(folder)/plain", list: list)
      #expect(try Program.decaf.run(plain).status == 0)
      #expect(try contents("\(folder)/store") == contents("\(folder)/plain"))
    }
  }

  /// The last batch is in hand, and the list is needed only for the table of rows.
  @Test func listThatChangesAtTheVeryEnd() throws {
    try withTemporaryFolder { folder in
      let fixture = try CommandFixture.shared.get()
      let text = (10..<15).map { "\(fixture.folder)/images/\($0).jpg" }.joined(separator: "\n")
      let list = "\(folder)/list.txt"
      try Data(text.utf8).write(to: URL(fileURLWithPath: list))
      let arguments = try CommandFixture.extract("\(folder)/store", list: list)
      let changed = try Program.decaf.run(
        arguments, pausedAt: "images/14.jpg", in: folder
      ) {
        try Change.cutShort.make(list)
      }
      #expect(changed.status == 65 && changed.errors.contains(list), "\(changed.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/store/store.json"))
      try Data(text.utf8).write(to: URL(fileURLWithPath: list))
      let continued = try Program.decaf.run(arguments)
      #expect(continued.status == 0, "\(continued.errors)")
      #expect(continued.output.contains("0 of them now"), "\(continued.output)")
    }
  }

  @Test(arguments: [nil, 2], ["inputs opened", "images/0.jpg"])
  func weightsThatChangeDuringExtraction(ranks: Int?, place: String) throws {
    try withTemporaryFolder { folder in
      let fixture = try CommandFixture.shared.get()
      let model = "\(folder)/model.safetensors"
      let store = "\(folder)/store"
      let arguments = try CommandFixture.extract(store, model: model, "--batch", "2")
      for change in [Change.overwritten, .cutShort] {
        _ = try copy(fixture.model, to: model)
        let changed = try Program.decaf.on(ranks: ranks).run(arguments, pausedAt: place, in: folder)
        {
          try change.make(model)
        }
        #expect(changed.status == 65, "\(change.testDescription): \(changed.errors)")
        #expect(changed.errors.contains("\(model) changed"), "\(changed.errors)")
      }
      _ = try copy(fixture.model, to: model)
      #expect(try Program.decaf.run(arguments).status == 0)
      #expect(try Program.decaf.run(try CommandFixture.extract("\(folder)/plain")).status == 0)
      #expect(try contents(store) == contents("\(folder)/plain"))
    }
  }

  /// A store and a classifier of its layer pool5, in `folder`.
  private func train(in folder: String) throws {
    let extract = try Program.decaf.run(try CommandFixture.extract("\(folder)/store"))
    try #require(extract.status == 0, "\(extract.errors)")
    let train = try Program.decaf.run(trainCommand(in: folder, "classifier"))
    try #require(train.status == 0, "\(train.errors)")
  }

  private func trainCommand(in folder: String, _ name: String) -> [String] {
    ["train", "\(folder)/store", "--layer", "pool5", "--output", "\(folder)/\(name)"]
  }

  private func smallProtocol(_ folder: String) -> String {
    """
    name: small
    kind: few-shot
    stores: {images: \(folder)/store}
    layers: [pool5]
    losses: [softmax]
    normalize: l2
    C: [1, 10]
    validation: {rows: 1, of: 3, fallback-C: 1}
    training-rows: [1, 3]
    splits: 2
    seed: 1
    """
  }

  /// Every command that reads a store, and what it would write; every file, and every change.
  @Test(arguments: [nil, 2]) func storeAndClassifierThatChange(ranks: Int?) throws {
    try withTemporaryFolder { folder in
      try train(in: folder)
      let predict = [
        "predict", "\(folder)/classifier", "\(folder)/store", "--output", "\(folder)/out",
      ]
      let export = [
        "export", "\(folder)/store", "--layer", "pool5", "--format", "csv", "--output",
        "\(folder)/out",
      ]
      try Data(smallProtocol(folder).utf8).write(to: URL(fileURLWithPath: "\(folder)/p.yaml"))
      let evaluate = ["evaluate", "\(folder)/p.yaml", "--output", "\(folder)/results"]
      let merge = ["merge", "\(folder)/store", "--output", "\(folder)/merged"]
      let subset = [
        "subset", "\(folder)/store", "--rows", "0-9", "--output", "\(folder)/subset",
      ]
      let cases = [
        (evaluate, "store/pool5.npy"), (evaluate, "store/store.json"),
        (trainCommand(in: folder, "out"), "store/pool5.npy"),
        (trainCommand(in: folder, "out"), "store/rows.tsv"), (predict, "store/pool5.npy"),
        (predict, "store/rows.tsv"), (predict, "classifier"),
      ]
      let alone = [
        (export, "store/pool5.npy"), (merge, "store/pool5.npy"), (merge, "store/rows.tsv"),
        (subset, "store/store.json"),
      ]
      for (arguments, name) in cases + (ranks == nil ? alone : []) {
        for change in ranks == nil ? [Change.overwritten, .cutShort] : [.cutShort] {
          let path = "\(folder)/\(name)"
          let whole = try copy(path, to: "\(folder)/whole")
          let changed = try Program.decaf.on(ranks: ranks).run(
            arguments, pausedAt: "inputs opened", in: folder
          ) {
            try change.make(path)
          }
          #expect(changed.status == 65, "\(arguments[0]), \(name): \(changed.errors)")
          #expect(changed.errors.contains("\(path) changed"), "\(changed.errors)")
          for output in ["out", "results/table.txt", "merged/store.json", "subset/store.json"] {
            #expect(
              !FileManager.default.fileExists(atPath: "\(folder)/\(output)"), "\(arguments[0])")
          }
          _ = try copy(whole, to: path)
        }
      }
      #expect(try Program.decaf.run(predict).status == 0)
    }
  }

  /// What was trained on a store that changed is not taken up again.
  @Test(arguments: [nil, 2]) func stoppedTrainingKeepsNothingOfAChangedStore(ranks: Int?) throws {
    try withTemporaryFolder { folder in
      try train(in: folder)
      let features = "\(folder)/store/pool5.npy"
      let whole = try copy(features, to: "\(folder)/whole")
      let stopping = trainCommand(in: folder, "out") + ["--max-hours", "1e-9"]
      let changed = try Program.decaf.on(ranks: ranks).run(
        stopping, pausedAt: "inputs opened", in: folder
      ) {
        try Change.zeroed.make(features)
      }
      #expect(changed.status == 65, "\(changed.errors)")
      #expect(changed.errors.contains("\(features) changed"), "\(changed.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/out.checkpoint"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/out.lock"))
      _ = try copy(whole, to: features)
      #expect(try Program.decaf.on(ranks: ranks).run(stopping).status == 75)
      #expect(FileManager.default.fileExists(atPath: "\(folder)/out.checkpoint"))
    }
  }

  @Test(arguments: [nil, 2]) func stoppedEvaluationKeepsNothingOfAChangedStore(ranks: Int?) throws {
    try withTemporaryFolder { folder in
      try train(in: folder)
      try Data(smallProtocol(folder).utf8).write(to: URL(fileURLWithPath: "\(folder)/p.yaml"))
      let evaluate = ["evaluate", "\(folder)/p.yaml", "--output"]
      let features = "\(folder)/store/pool5.npy"
      let whole = try copy(features, to: "\(folder)/whole")
      let changed = try Program.decaf.on(ranks: ranks).run(
        evaluate + ["\(folder)/results", "--max-hours", "1e-9"], pausedAt: "inputs opened",
        in: folder
      ) { try Change.zeroed.make(features) }
      #expect(changed.status == 65, "\(changed.errors)")
      #expect(changed.errors.contains("\(features) changed"), "\(changed.errors)")
      _ = try copy(whole, to: features)
      for name in ["results", "plain"] {
        let run = try Program.decaf.run(evaluate + ["\(folder)/\(name)"])
        #expect(run.status == 0, "\(run.errors)")
      }
      for name in ["results.json", "table.txt"] {
        let files = try ["results", "plain"].map {
          try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)/\(name)"))
        }
        #expect(files[0] == files[1])
      }
    }
  }

  @Test func classifyPrintsNothingOfChangedWeights() throws {
    try withTemporaryFolder { folder in
      let model = "\(folder)/whole.safetensors"
      let generate = try Program.decaf.run(["model", "generate", "--output", model])
      try #require(generate.status == 0, "\(generate.errors)")
      let image = try CommandFixture.shared.get().folder + "/images/0.jpg"
      let arguments = ["classify", image, "--model", model]
      #expect(try Program.decaf.run(arguments).output.contains(image))
      let changed = try Program.decaf.run(
        arguments, pausedAt: "inputs opened", in: folder
      ) {
        try Change.cutShort.make(model)
      }
      #expect(changed.status == 65 && changed.errors.contains(model), "\(changed.errors)")
      #expect(changed.output.isEmpty)
    }
  }
}
