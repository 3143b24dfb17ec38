import Foundation
import TestSupport
import Testing

/// `decaf train-network` and `decaf finetune`, as they are started.
@Suite(.serialized) struct NetworkTrainingCommandTests {
  private static let network = """
    name: "Small"
    layer { name: "data" type: "Input" top: "data"
      input_param { shape { dim: 1 dim: 3 dim: 24 dim: 24 } } }
    layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
      convolution_param { num_output: 8 kernel_size: 5 stride: 2 pad: 2 } }
    layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
    layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
      pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
    layer { name: "fc2" type: "InnerProduct" bottom: "pool1" top: "fc2"
      inner_product_param { num_output: 160 } }
    layer { name: "relu2" type: "ReLU" bottom: "fc2" top: "fc2" }
    layer { name: "fc3" type: "InnerProduct" bottom: "fc2" top: "fc3"
      inner_product_param { num_output: 1000 } }
    """
  private static let transform = """
    name: small
    resize: {mode: warp, width: 28, height: 28, filter: bilinear}
    crop: 24
    channels: bgr
    scale: 0.01
    mean: [1, 1, 1]
    """

  /// A folder with drawn images, a network and a transform; arguments but for the output.
  private func train(in folder: String) throws -> [String] {
    let drawn = try Program.demoImages.run(["\(folder)/demo", "--per-class", "12"])
    try #require(drawn.status == 0, "\(drawn.errors)")
    let network = try writeTestFile(Array(Self.network.utf8), "small.prototxt", in: folder)
    let transform = try writeTestFile(Array(Self.transform.utf8), "small.yaml", in: folder)
    return [
      "train-network", "\(folder)/demo/train.tsv", "--network", network, "--preprocess", transform,
      "--replace", "fc3", "--validation", "\(folder)/demo/test.tsv", "--epochs", "3", "--batch",
      "40", "--base-lr", "0.01",
    ]
  }

  private func bytes(_ path: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path))
  }

  @Test func ranksAndSignalsDoNotShow() throws {
    try withTemporaryFolder { folder in
      let arguments = try train(in: folder)
      let plain = try Program.decaf.run(
        arguments + ["--output", "\(folder)/plain.safetensors", "--threads", "2"])
      try #require(plain.status == 0, "\(plain.errors)")
      #expect(plain.output.contains("left out"), "\(plain.output)")
      // Stopped by a signal on two ranks, continued on three.
      let command = arguments + ["--output", "\(folder)/other.safetensors"]
      let running = try Program.decaf.on(ranks: 2).start(command + ["--checkpoint-minutes", "0"])
      let checkpoint = "\(folder)/other.safetensors.checkpoint"
      let deadline = Date(timeIntervalSinceNow: 60)
      while Date() < deadline, running.process.isRunning,
        !FileManager.default.fileExists(atPath: checkpoint)
      {
        usleep(2_000)
      }
      kill(running.process.processIdentifier, SIGUSR1)
      let stopped = running.wait()
      // A quick machine may be at the end before the signal is.
      #expect([75, 0].contains(stopped.status), "\(stopped.errors)")
      if stopped.status == 75 {
        #expect(stopped.output.contains("the same command line continues"))
        let resumed = try Program.decaf.on(ranks: 3).run(command)
        #expect(resumed.status == 0, "\(resumed.errors)")
        #expect(resumed.errors.contains("training continues"), "\(resumed.errors)")
      }
      for name in ["safetensors", "history.tsv"] {
        #expect(
          try bytes("\(folder)/plain.\(name)") == bytes("\(folder)/other.\(name)"), "\(name)")
      }
      #expect(!FileManager.default.fileExists(atPath: checkpoint))
      // What is there was made by the same command, or is kept.
      let again = try Program.decaf.run(command)
      #expect(again.status == 0 && again.output.contains("is there already"), "\(again.output)")
      let other = try Program.decaf.run(command + ["--seed", "4"])
      #expect(other.status == 73, "\(other.errors)")
    }
  }

  /// A trained model goes on as any other: fine-tuned, inspected, its classes told.
  @Test func modelsGoOn() throws {
    try withTemporaryFolder { folder in
      let arguments = try train(in: folder)
      let model = "\(folder)/a.safetensors"
      let first = try Program.decaf.run(arguments + ["--output", model])
      try #require(first.status == 0, "\(first.errors)")
      let inspected = try Program.decaf.run(["model", "inspect", model, "--json"])
      #expect(inspected.output.contains("validationAccuracy"), "\(inspected.output)")
      let told = try Program.decaf.run(["model", "inspect", model])
      #expect(told.output.contains("training      3 epochs of"), "\(told.output)")
      #expect(told.output.contains("sgd, rate 0.01 fixed"), "\(told.output)")
      #expect(told.output.contains("% of the validation's"), "\(told.output)")
      // A history whose model has gone is not replaced unasked.
      try FileManager.default.moveItem(atPath: model, toPath: "\(folder)/kept.safetensors")
      let refused = try Program.decaf.run(arguments + ["--output", model])
      #expect(refused.status == 73, "\(refused.errors)")
      #expect(refused.errors.contains("a.history.tsv is there already"), "\(refused.errors)")
      try FileManager.default.moveItem(atPath: "\(folder)/kept.safetensors", toPath: model)
      let tuned = try Program.decaf.run([
        "finetune", "\(folder)/demo/test.tsv", "--model", model, "--preprocess",
        "\(folder)/small.yaml", "--output", "\(folder)/b.safetensors", "--freeze-below", "fc3",
        "--replace", "fc3:8", "--epochs", "2", "--validation", "0.4",
      ])
      #expect(tuned.status == 0, "\(tuned.errors)")
      let classified = try Program.decaf.run([
        "classify", "\(folder)/demo/images/disk/000.jpg", "--model", "\(folder)/b.safetensors",
        "--preprocess", "\(folder)/small.yaml", "--top", "1",
      ])
      #expect(classified.status == 0, "\(classified.errors)")
    }
  }

  @Test(arguments: [
    ["--replace", "fc9"], ["--rate", "fc9:2"], ["--lr-policy", "step", "--step-size", "0"],
    ["--batch", "0"], ["--validation", "1.5"], ["--augment", "turn"], ["--preprocess", "caffe"],
  ])
  func wrongOptionsAreUsageErrors(_ options: [String]) throws {
    try withTemporaryFolder { folder in
      let arguments = try train(in: folder)
      let run = try Program.decaf.run(
        arguments + ["--output", "\(folder)/x.safetensors", "--dry-run"] + options)
      #expect(run.status == 64, "\(options): \(run.errors)")
    }
  }

  /// Diverging ends with 65 and leaves no model.
  @Test func divergenceIsBadInput() throws {
    try withTemporaryFolder { folder in
      let arguments = try train(in: folder)
      let run = try Program.decaf.run(
        arguments + ["--output", "\(folder)/x.safetensors", "--base-lr", "1e15"])
      #expect(run.status == 65 && run.errors.contains("diverged"), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/x.safetensors"))
    }
  }
}
