import Foundation
import TestSupport
import Testing

/// What people read first.
@Suite struct HelpTests {
  @Test func rootNamesEveryCommandAndExitStatus() throws {
    let run = try Program.decaf.run(["--help"])
    #expect(run.status == 0)
    for text in [
      "extract", "train", "finetune", "train-network", "predict", "classify", "evaluate", "embed",
      "neighbors", "rdm", "report", "profile", "model", "list", "merge", "subset", "info", "verify",
      "import",
      "export", "selftest", "mpirun", "73",
      "75",
    ] { #expect(run.output.contains(text), "\(run.output)") }
    #expect(!run.output.contains("probe-image"))
  }

  @Test(arguments: [
    ["extract"], ["train"], ["predict"], ["classify"], ["evaluate"], ["embed"], ["neighbors"],
    ["rdm"], ["report"], ["profile"], ["list"], ["merge"], ["subset"], ["info"], ["verify"],
    ["import"],
    ["export"], ["selftest"], ["model"], ["finetune"], ["train-network"],
    ["model", "inspect"], ["model", "convert"], ["model", "generate"], ["model", "verify"],
    ["model", "show"],
  ])
  func everyOptionIsExplained(command: [String]) throws {
    let run = try Program.decaf.run(command + ["--help"])
    #expect(run.status == 0)
    #expect(run.output.hasPrefix("OVERVIEW: "))
    // An option is explained on its own line or, when its name is long, on the next.
    let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where line.hasPrefix("  --") {
      let words = line.split(separator: " ")
      let isExplained = words.count > (words.count > 1 && words[1].hasPrefix("<") ? 2 : 1)
      #expect(isExplained || lines[index + 1].hasPrefix("      "), "\(command): \(line)")
    }
  }

  @Test(arguments: [["--version"], ["--version", "--verbose"], ["extract", "--version"]])
  func versionTellsWhatTheProgramIsMadeOf(arguments: [String]) throws {
    let run = try Program.decaf.run(arguments, environment: ["DECAF_KERNEL": "baseline"])
    #expect(run.status == 0, "\(run.errors)")
    let first = run.output.split(separator: "\n").first ?? ""
    #expect(first.hasPrefix("decaf ") && first.split(separator: ".").count == 3, "\(first)")
    let facts = [
      "\ncommit ", "\ncompiler  Swift version ", "\nMPI ", "\nBLAS      OpenBLAS ",
      "\nkernels   baseline; ",
    ]
    for fact in facts { #expect(run.output.contains(fact), "\(run.output)") }
  }

  @Test func verboseAloneIsRefused() throws {
    let run = try Program.decaf.run(["--verbose"])
    #expect(run.status == 64)
    #expect(run.errors.contains("--version"), "\(run.errors)")
  }

  @Test func dryRunSaysWhatWouldBeDoneAndDoesNothing() throws {
    try withTemporaryFolder { folder in
      let run = try Program.decaf.run(
        try CommandFixture.extract("\(folder)/store", "--dry-run"))
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("23 images, 3 classes"))
      #expect(run.output.contains("pool5 (9216)"))
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/store"))
    }
  }
}
