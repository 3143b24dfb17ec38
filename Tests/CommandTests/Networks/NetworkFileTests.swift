import Foundation
import TestSupport
import Testing

/// `--network FILE.prototxt`: the whole way of a network that does not come with decaf.
@Suite struct NetworkFileTests {
  /// What AlexNet does not have: a padded first convolution, batch normalization, global averages.
  private static let network = """
    name: "Small"
    layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 32 dim: 32 } } }
    layer { name: "c1" type: "Convolution" bottom: "data" top: "c1"
      convolution_param { num_output: 20 kernel_size: 5 stride: 2 pad: 2 bias_term: false } }
    layer { name: "b1" type: "BatchNorm" bottom: "c1" top: "c1" }
    layer { name: "s1" type: "Scale" bottom: "c1" top: "c1" scale_param { bias_term: true } }
    layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" }
    layer { name: "c2" type: "Convolution" bottom: "c1" top: "c2"
      convolution_param { num_output: 24 kernel_size: 3 dilation: 2 pad: 2 group: 2 } }
    layer { name: "t2" type: "TanH" bottom: "c2" top: "c2" }
    layer { name: "mean" type: "Pooling" bottom: "c2" top: "mean"
      pooling_param { pool: AVE global_pooling: true } }
    layer { name: "f" type: "InnerProduct" bottom: "mean" top: "f"
      inner_product_param { num_output: 6 } }
    layer { name: "prob" type: "Softmax" bottom: "f" top: "prob" }
    """
  private static let transform = """
    name: small
    resize: {mode: warp, width: 36, height: 40, filter: bilinear}
    crop: 32
    channels: bgr
    scale: 0.02
    mean: [2, 2, 2]
    """

  private struct Files {
    let network: String
    let transform: String
    let caffemodel: String
    let safetensors: String

    init(in folder: String) throws {
      network = try writeTestFile(Array(NetworkFileTests.network.utf8), "net.prototxt", in: folder)
      transform = try writeTestFile(Array(NetworkFileTests.transform.utf8), "t.yaml", in: folder)
      caffemodel = "\(folder)/net.caffemodel"
      safetensors = "\(folder)/net.safetensors"
    }
  }

  private func run(_ arguments: [String], ranks: Int? = nil) throws -> Program.Run {
    try Program.decaf.on(ranks: ranks).run(arguments)
  }

  private func succeed(_ arguments: [String], ranks: Int? = nil) throws -> Program.Run {
    let run = try run(arguments, ranks: ranks)
    try #require(run.status == 0, "\(run.errors)")
    return run
  }

  @Test func storesAndPredictionsAreMadeByIt() throws {
    try withTemporaryFolder { folder in
      let fixture = try CommandFixture.shared.get()
      let files = try Files(in: folder)
      _ = try succeed([
        "model", "generate", "--network", files.network, "--seed", "3", "--output",
        files.caffemodel,
      ])
      _ = try succeed([
        "model", "convert", files.caffemodel, files.safetensors, "--network", files.network,
      ])
      let inspected = try succeed(["model", "inspect", files.safetensors]).output
      #expect(inspected.contains("Small-") && inspected.contains("BatchNorm"))
      #expect(inspected.contains("20×16×16"))

      // The same bytes by either file, on one rank and three, in batches of any size.
      let common = ["extract", fixture.list, "--preprocess", files.transform]
      let layers = ["--layers", "c1:pre,c1,c2,mean,f"]
      _ = try succeed(
        common + layers + [
          "--model", files.caffemodel, "--network", files.network, "--output", "\(folder)/a",
        ])
      _ = try succeed(
        common + layers + [
          "--model", files.safetensors, "--batch", "3", "--output", "\(folder)/b",
        ], ranks: 3)
      let expected = try ExtractionFixture.contents(ofStore: "\(folder)/a")
      #expect(try ExtractionFixture.contents(ofStore: "\(folder)/b") == expected)
      #expect(expected["mean.npy"] != nil && expected["c1-pre.npy"] != nil)

      // Alone, a layer is what it is beside others.
      _ = try succeed(common + ["--model", files.safetensors, "--output", "\(folder)/c"])
      #expect(
        try ExtractionFixture.contents(ofStore: "\(folder)/c")["mean.npy"] == expected["mean.npy"])

      let classifier = "\(folder)/classifier"
      _ = try succeed(["train", "\(folder)/a", "--layer", "mean", "--output", classifier])
      let predict = ["predict", classifier, fixture.list, "--model"]
      _ = try succeed(["predict", classifier, "\(folder)/a", "--output", "\(folder)/store.tsv"])
      _ = try succeed(predict + [files.safetensors, "--output", "\(folder)/list.tsv"])
      _ = try succeed(
        predict + [
          files.caffemodel, "--network", files.network, "--output", "\(folder)/caffe.tsv",
        ])
      let table = FileManager.default.contents(atPath: "\(folder)/store.tsv")
      #expect(FileManager.default.contents(atPath: "\(folder)/list.tsv") == table)
      #expect(FileManager.default.contents(atPath: "\(folder)/caffe.tsv") == table)
    }
  }

  @Test func networksWithoutWeightsAreInspected() throws {
    try withTemporaryFolder { folder in
      let files = try Files(in: folder)
      let small = try succeed(["model", "inspect", files.network]).output
      #expect(small.contains("c1:pre") && small.contains("20×16×16"), "\(small)")
      let vgg = try succeed(["model", "inspect", "vgg16", "--json"]).output
      #expect(vgg.contains("\"parameterCount\" : 138357544"), "\(vgg.suffix(400))")
    }
  }

  @Test func whatDoesNotFitIsRefused() throws {
    try withTemporaryFolder { folder in
      let fixture = try CommandFixture.shared.get()
      let files = try Files(in: folder)
      _ = try succeed([
        "model", "generate", "--network", files.network, "--output", files.safetensors,
      ])
      let extract = ["extract", fixture.list, "--output", "\(folder)/o", "--model"]
      // A file's crop is taken as it is; that of a profile follows the network, as far as images reach.
      let transform = try writeTestFile(
        Array(
          """
          name: mine
          resize: {mode: warp, width: 256, height: 256, filter: bilinear}
          crop: 30
          channels: bgr
          scale: 1
          mean: [104, 117, 123]
          """.utf8), "mine.yaml", in: folder)
      let size = try run(extract + [files.safetensors, "--preprocess", transform])
      #expect(size.status == 64 && size.errors.contains("crop 30; expected 32"), "\(size.errors)")
      let other = try run(extract + [fixture.model, "--network", files.network])
      #expect(other.status == 65 && other.errors.contains("'c1'"), "\(other.errors)")
      let name = try run(extract + [fixture.model, "--network", "resnet50"])
      #expect(name.status == 64 && name.errors.contains("caffenet, alexnet"), "\(name.errors)")
      let missing = try run(extract + [fixture.model, "--network", "\(folder)/none.prototxt"])
      #expect(missing.status == 65 && missing.errors.contains("none.prototxt"), "\(missing.errors)")
      let alone = try run(["predict", "c", "s", "--output", "o", "--network", "nin"])
      #expect(alone.status == 64 && alone.errors.contains("--model"), "\(alone.errors)")
      let text = Self.network.replacing("TanH", with: "Eltwise")
      let branch = try writeTestFile(Array(text.utf8), "branch.prototxt", in: folder)
      let refused = try run(extract + [fixture.model, "--network", branch])
      #expect(refused.status == 65, "\(refused.errors)")
      #expect(
        refused.errors.contains("branch.prototxt, line 10: t2: layers of type Eltwise"),
        "\(refused.errors)")
    }
  }
}
