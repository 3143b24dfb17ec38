import Foundation
import TestSupport
import Testing

/// What people get wrong: the message names it, and the exit status is the documented one.
@Suite struct BadInputTests {
  /// A command line, its exit status, and what its message must name.
  struct Case: CustomTestStringConvertible, Sendable {
    let arguments: [String]
    let status: Int32
    let mentions: [String]
    var testDescription: String { arguments.joined(separator: " ") }

    init(_ arguments: String, _ status: Int32, _ mentions: String...) {
      self.arguments = arguments.split(separator: " ").map(String.init)
      self.status = status
      self.mentions = mentions
    }
  }

  /// `LIST`, `MODEL`, `STORE` and `FOLDER` stand for the fixture's files.
  @Test(arguments: [
    Case("extract LIST", 64, "--model"),
    Case("extract LIST --model MODEL --output FOLDER/o --batch 0", 64, "--batch", "expected 1…"),
    Case("extract LIST --model MODEL --output FOLDER/o --layers fc9", 64, "fc9", "pool5"),
    Case("extract LIST --model MODEL --output FOLDER/o --layers pool5,pool5", 64, "twice"),
    Case("extract LIST --model MODEL --output FOLDER/o --colour red", 64, "--colour"),
    Case(
      "extract LIST --model MODEL --output FOLDER/o --preprocess nothing", 65, "nothing", "caffe"),
    Case("extract LIST --model FOLDER/none.caffemodel --output FOLDER/o", 65, "none.caffemodel"),
    Case("extract LIST --model FOLDER/truncated.safetensors --output FOLDER/o", 65, "truncated"),
    Case("extract LIST --model LIST --output FOLDER/o", 65, "list.tsv"),
    Case("extract LIST --model MODEL --output FOLDER/o --layers fc6", 65, "fc6", "pool5"),
    Case("extract FOLDER/none.txt --model MODEL --output FOLDER/o", 65, "none.txt"),
    Case("extract FOLDER/empty.txt --model MODEL --output FOLDER/o", 65, "empty.txt", "no image"),
    Case("extract LIST --model MODEL --output FOLDER/file", 73, "file"),
    Case("extract LIST --model MODEL --output FOLDER/other", 73, "other"),
    Case("extract LIST --model MODEL --output STORE --views ten", 73, "views"),
    Case("extract LIST --model MODEL --output STORE --strict", 65, "--strict"),
    Case("extract FOLDER/missing.txt --model MODEL --output FOLDER/m", 65, "every image failed"),
    Case("extract LIST --model MODEL --output FOLDER/o --layers ,", 64, "at least one"),
    Case("extract LIST --config FOLDER/bad.yaml", 64, "colour", "rows-per-shard"),
    Case("extract LIST --config FOLDER/flag.yaml", 64, "strict", "true or false"),
    Case("extract LIST --config FOLDER/nothing.yaml", 64, "layers", "one value"),
    Case("train STORE --layer fc6 --output FOLDER/c.safetensors", 64, "fc6", "pool5"),
    Case("train STORE --layer pool5 --output FOLDER/c.safetensors --C 0", 64, "C"),
    Case("train STORE --layer pool5 --output FOLDER/c --C-path 1,x", 64, "C-path", "1,x"),
    Case("train STORE --layer pool5 --output FOLDER/c --C-path 1,-1", 64, "-1"),
    Case("train STORE --layer pool5 --output FOLDER/c --folds 3", 64, "--C-path"),
    Case("train STORE --layer pool5 --output FOLDER/c --C-path 1 --folds 1", 64, "2 or more"),
    Case("train STORE --layer pool5 --output FOLDER/c --C-path 1 --folds 99", 65, "99 folds"),
    Case("train STORE --layer pool5 --output FOLDER/c --weights FOLDER/words", 65, "line 2", "two"),
    Case("train STORE --layer pool5 --output FOLDER/c --weights FOLDER/three", 65, "23", "3"),
    Case(
      "train STORE --layer pool5 --output FOLDER/c --class-weight FOLDER/cats", 64, "cats", "tom"),
    Case("train STORE --layer pool5 --output FOLDER/c --warm-start FOLDER/words", 65, "words"),
    Case(
      "train STORE --layer pool5 --output FOLDER/c --warm-start a --C-path 1", 64, "--warm-start"),
    Case("train STORE OTHER --layer pool5 --output FOLDER/c", 65, "OTHER", "views", "ten"),
    Case("train STORE --layer pool5 --output FOLDER", 73, "directory"),
    Case("train STORE --layer pool5 --output /dev/null", 73, "/dev/null", "device"),
    Case("train UNLABELLED --layer pool5 --output FOLDER/c.safetensors", 65, "label"),
    Case("train ONECLASS --layer pool5 --output FOLDER/c.safetensors", 65, "class"),
    Case("train FOLDER --layer pool5 --output FOLDER/c.safetensors", 65, "store"),
    Case("verify FOLDER/other", 65, "not a store"),
    Case("classify FOLDER/none.jpg --model MODEL", 65, "prob"),
    Case("model inspect FOLDER/none.caffemodel", 65, "none.caffemodel"),
    Case("list FOLDER/none", 65, "none"),
    Case("frobnicate", 64, "frobnicate"),
    Case("extact a b", 64, "unknown command 'extact'", "mean 'extract'"),
    Case("model inspec x", 64, "'inspec'", "mean 'inspect'", "decaf model --help"),
    Case("extract LIST --modle MODEL", 64, "'--modle'", "mean '--model'"),
    Case("extract LIST --gath=direct", 64, "'--gath'", "mean '--gather'"),
    Case("train STORE -layer pool5 --output FOLDER/c", 64, "'-layer'", "mean '--layer'"),
    Case("train STORE --layer pool5 --output FOLDER/c --C -1", 64, "C is -1.0", "1e-15"),
    Case("train STORE --layer pool5 --output FOLDER/c --folds -3", 64, "--folds -3", "2 or more"),
    Case("extract LIST --config FOLDER/none.yaml", 64, "none.yaml: No such file"),
    Case("extract LIST --config FOLDER", 64, "FOLDER: Is a directory"),
    Case("extract LIST --config FOLDER/bomb.yaml", 64, "bomb.yaml", "16 aliases"),
    Case("extract LIST --config MODEL", 64, "1048576 bytes"),
    Case("extract LIST --model MODEL --output FOLDER/file/o", 73, "no row is recorded"),
    Case("predict STORE STORE --output FOLDER/p", 64, "is a folder, expected a classifier"),
    Case("verify LIST", 65, "not a store", "decaf extract makes a store of a list"),
    Case("verify MODEL", 65, "not a store", "found a safetensors file"),
    Case("verify FOLDER/none", 65, "not a store", "nothing there"),
    Case("verify FOLDER/a.npy", 65, "not a store", "decaf import"),
    Case("embed FOLDER/photo.jpg --output FOLDER/e.svg", 65, "not a store", "an image"),
    Case("list FOLDER/other", 65, "other", "no image"),
    Case("classify FOLDER/other --model MODEL", 65, "prob"),
    Case("export STORE --format csv --output FOLDER/file", 73, "file", "--overwrite"),
    Case("model convert MODEL FOLDER/taken.safetensors", 73, "taken", "--overwrite"),
    Case("model convert MODEL MODEL", 0),
    Case("embed STORE --output FOLDER/taken.svg", 73, "taken.svg", "did not draw"),
    Case("embed STORE --output FOLDER/taken.tsv", 73, "taken.tsv", "did not draw"),
    Case("embed LAYERS --output FOLDER/e.svg", 64, "conv5, pool5", "Usage: decaf embed ["),
    Case("export LAYERS --format csv --output FOLDER/e", 64, "pool5", "Usage: decaf export"),
  ])
  func isNamedAndEndsWithTheRightStatus(_ example: Case) throws {
    try withTemporaryFolder { folder in
      let fixture = try CommandFixture.shared.get()
      let places = try Self.places.get()
      func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      try write("# nothing\n\n", "empty.txt")
      try write("a.jpg\nb.jpg\n", "missing.txt")
      try write("not a folder", "file")
      try write("strict: 1\n", "flag.yaml")
      try write("1\ntwo\n", "words")
      for ending in ["safetensors", "svg", "tsv"] { try write("mine", "taken.\(ending)") }
      try Data([0x93] + Array("NUMPY".utf8)).write(to: URL(fileURLWithPath: "\(folder)/a.npy"))
      try FileManager.default.copyItem(
        atPath: "\(fixture.folder)/images/0.jpg", toPath: "\(folder)/photo.jpg")
      let aliases = Array(repeating: "*a", count: 20).joined(separator: ", ")
      try write("a: &a [x, x]\nb: [\(aliases)]\n", "bomb.yaml")
      try write("1\n1\n1\n", "three")
      try write("tom 2\n", "cats")
      try write("layers: []\n", "nothing.yaml")
      try write("model: \(fixture.model)\noutput: \(folder)/o\ncolour: red\n", "bad.yaml")
      try FileManager.default.createDirectory(
        atPath: "\(folder)/other", withIntermediateDirectories: true)
      try write("precious", "other/thesis.tex")
      let model = try Data(contentsOf: URL(fileURLWithPath: fixture.model))
      try model.prefix(model.count / 2).write(
        to: URL(fileURLWithPath: "\(folder)/truncated.safetensors"))

      let arguments = example.arguments.map { argument in
        let named = ["LIST": fixture.list, "MODEL": fixture.model].merging(places) { $1 }
        return named[argument] ?? argument.replacingOccurrences(of: "FOLDER", with: folder)
      }
      let run = try Program.decaf.run(arguments)
      #expect(run.status == example.status, "\(run.errors)")
      for text in example.mentions {
        let text = text.replacingOccurrences(of: "FOLDER", with: folder)
        #expect(run.errors.contains(text), "\(run.errors)")
      }
      for ending in ["safetensors", "svg", "tsv"] {
        #expect(try String(contentsOfFile: "\(folder)/taken.\(ending)", encoding: .utf8) == "mine")
      }
      #expect(
        try String(contentsOfFile: "\(folder)/other/thesis.tex", encoding: .utf8) == "precious")
    }
  }

  /// Stores that several cases read: `STORE`, `OTHER`, `LAYERS`, `UNLABELLED`, `ONECLASS`.
  static let places = Result {
    let folder = NSTemporaryDirectory() + "decaf-bad-input-\(getpid())"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let fixture = try CommandFixture.shared.get()
    let lists = [
      "UNLABELLED": "\(fixture.folder)/images/0.jpg\n\(fixture.folder)/images/1.jpg\n",
      "ONECLASS": "\(fixture.folder)/images/0.jpg a\n\(fixture.folder)/images/1.jpg a\n",
    ]
    var places = ["STORE": "\(folder)/STORE"]
    _ = try Program.decaf.run(try CommandFixture.extract("\(folder)/STORE"))
    places["OTHER"] = "\(folder)/OTHER"
    _ = try Program.decaf.run(
      try CommandFixture.extract("\(folder)/OTHER", "--views", "ten"))
    places["LAYERS"] = "\(folder)/LAYERS"
    _ = try Program.decaf.run(
      try CommandFixture.extract("\(folder)/LAYERS", "--layers", "conv5,pool5"))
    for (name, text) in lists {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name).txt"))
      places[name] = "\(folder)/\(name)"
      _ = try Program.decaf.run(
        try CommandFixture.extract("\(folder)/\(name)", list: "\(folder)/\(name).txt"))
    }
    return places
  }

  @Test func onlyRankZeroReportsWrongUsage() throws {
    let run = try Program.decaf.on(ranks: 3).run(["extract"])
    #expect(run.status == 64)
    #expect(run.errors.components(separatedBy: "Error: Missing expected argument").count == 2)
  }

  @Test func everyRankEndsWithTheSameStatus() throws {
    try withTemporaryFolder { folder in
      let run = try Program.decaf.on(ranks: 3).run(
        try CommandFixture.extract("\(folder)/o", model: "\(folder)/none"))
      #expect(run.status == 65)
      #expect(run.errors.components(separatedBy: "\(folder)/none").count == 2, "\(run.errors)")
    }
  }

  /// Processes that were told of each other, and do not find each other.
  @Test(arguments: [
    ["PMI_SIZE": "4", "PMI_RANK": "0"], ["SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "0"],
    ["SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3"],
  ])
  func lonelyRanksAreRefused(environment: [String: String]) throws {
    try withTemporaryFolder { folder in
      let run = try Program.decaf.run(
        ["train", "\(folder)/none.store", "--layer", "fc6", "--output", "\(folder)/c"],
        environment: environment)
      #expect(run.status == 64, "\(run.errors)")
      #expect(run.errors.contains("4 ranks") && run.errors.contains("mpirun"), "\(run.errors)")
    }
  }

  /// A batch script has `SLURM_NTASKS`, and a single process in it is no rank of any step.
  @Test func aBatchScriptIsNoStep() throws {
    let run = try Program.decaf.run(
      ["train", "/none.store", "--layer", "fc6", "--output", "/none/c"],
      environment: ["SLURM_NTASKS": "4"])
    #expect(run.status != 64 && !run.errors.contains("ranks"), "\(run.errors)")
  }
}
