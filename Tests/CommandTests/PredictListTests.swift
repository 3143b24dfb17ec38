import ConvNet
import Files
import Foundation
import Tensors
import TestSupport
import Testing

/// `decaf predict CLASSIFIER LIST --model`: the list's features are made as the classifier's were.
@Suite struct PredictListTests {
  /// A way to make a store, and the layer to train on.
  struct Recipe: CustomTestStringConvertible, Sendable {
    let options: [String]
    var layer = "pool5"
    /// The store holds the numbers as the engine made them.
    var isExact = true

    var testDescription: String { (options + [layer]).joined(separator: " ") }
  }

  /// Extracts a store and trains a classifier on it, both in `folder`.
  private func train(_ recipe: Recipe, in folder: String) throws {
    let store = "\(folder)/store"
    let extract = try Program.decaf.run(
      try CommandFixture.extract(store) + ["--layers", recipe.layer] + recipe.options)
    try #require(extract.status == 0, "\(extract.errors)")
    let train = try Program.decaf.run([
      "train", store, "--layer", recipe.layer, "--output", "\(folder)/classifier",
    ])
    try #require(train.status == 0, "\(train.errors)")
  }

  private func predict(
    _ source: String, in folder: String, _ name: String, _ options: [String] = []
  ) throws -> Program.Run {
    try Program.decaf.run(
      ["predict", "\(folder)/classifier", source, "--output", "\(folder)/\(name)"] + options)
  }

  /// Row, path, label and predicted class of every line; with scores where they must agree.
  private func table(_ path: String, isExact: Bool) throws -> [[Substring]] {
    let text = String(
      decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
    return text.split(separator: "\n").map {
      let fields = $0.split(separator: "\t", omittingEmptySubsequences: false)
      return isExact ? fields : Array(fields.prefix(3))
    }
  }

  @Test func imageIsPredictedAsAListOfOne() throws {
    try withTemporaryFolder { folder in
      try train(Recipe(options: []), in: folder)
      let fixture = try CommandFixture.shared.get()
      let image = "\(fixture.folder)/images/0.jpg"
      let run = try predict(image, in: folder, "image.tsv", ["--model", fixture.model])
      #expect(run.status == 0, "\(run.errors)")
      let line = try #require(try table("\(folder)/image.tsv", isExact: true).last)
      #expect(line[1] == "0.jpg" && !line[3].isEmpty && line[4] != "")
      let alone = try predict(image, in: folder, "other.tsv")
      #expect(alone.status == 64 && alone.errors.contains("--model"), "\(alone.errors)")
    }
  }

  private func expectListIsPredictedAsItsStore(_ recipe: Recipe) throws {
    try withTemporaryFolder { folder in
      try train(recipe, in: folder)
      let fixture = try CommandFixture.shared.get()
      let ofStore = try predict("\(folder)/store", in: folder, "store.tsv")
      let ofList = try predict(
        fixture.list, in: folder, "list.tsv", ["--model", fixture.model])
      #expect(ofStore.status == 0, "\(ofStore.errors)")
      #expect(ofList.status == 0, "\(ofList.errors)")
      #expect(
        try table("\(folder)/list.tsv", isExact: recipe.isExact)
          == table("\(folder)/store.tsv", isExact: recipe.isExact))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/list.tsv.store.partial"))
    }
  }

  @Test(arguments: [
    Recipe(options: []),
    Recipe(options: ["--decode", "fast"]),
    Recipe(options: ["--views", "ten"]),
    Recipe(options: ["--views", "ten-all"]),
    Recipe(options: ["--dtype", "float16"], isExact: false),
    Recipe(options: ["--rows-per-shard", "5", "--decode", "fast", "--views", "ten"]),
    Recipe(options: ["--architecture", "alexnet"]),
    Recipe(options: [], layer: "conv5:pre"),
  ])
  func listIsPredictedAsItsStore(recipe: Recipe) throws {
    try expectListIsPredictedAsItsStore(recipe)
  }

  @Test(.enabled(if: BFloat16Kernels.native != nil))
  func listIsPredictedAsItsStoreInLessPrecision() throws {
    try expectListIsPredictedAsItsStore(Recipe(options: ["--precision", "bf16"]))
  }

  @Test func anotherModelIsRefusedBeforeAnythingIsExtracted() throws {
    try withTemporaryFolder { folder in
      try train(Recipe(options: []), in: folder)
      let fixture = try CommandFixture.shared.get()
      let other = try Model.generate(architecture: .caffenet, seed: 6, through: "conv5")
      try other.write(to: "\(folder)/other.safetensors")
      let run = try predict(
        fixture.list, in: folder, "list.tsv", ["--model", "\(folder)/other.safetensors"])
      #expect(run.status == 65)
      let own = try Model.open(fixture.model).weightsSHA256.hexadecimal.prefix(12)
      let found = other.weightsSHA256.hexadecimal.prefix(12)
      #expect(
        run.errors.contains("model.sha256: expected \(own)…, found \(found)…"), "\(run.errors)")
      #expect(run.errors.contains("other.safetensors"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/list.tsv.store.partial"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/list.tsv"))
    }
  }

  @Test func importedFeaturesCannotBeMadeAgain() throws {
    try withTemporaryFolder { folder in
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 40, mean: 1)
      let train = try Program.decaf.run([
        "train", store, "--layer", "fc6", "--C", "1e-3", "--output", "\(folder)/classifier",
      ])
      try #require(train.status == 0, "\(train.errors)")
      let fixture = try CommandFixture.shared.get()
      let run = try predict(fixture.list, in: folder, "list.tsv", ["--model", fixture.model])
      #expect(run.status == 65)
      #expect(run.errors.contains("found imported"), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/list.tsv.store.partial"))
    }
  }
}
