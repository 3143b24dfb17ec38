internal import ArgumentParser
internal import Communication
internal import Files
internal import Logging
internal import SelfTesting

/// `decaf selftest`.
struct SelfTestCommand: DistributedCommand {
  static let configuration = CommandConfiguration(
    commandName: "selftest",
    abstract: "Check that this installation gives the bits it should.",
    discussion: """
      Decodes images, transforms them, computes networks in every kernel class that the processor has, \
      trains classifiers, extracts a store and has the ranks talk to each other, all on inputs that the \
      program brings along, and compares what comes out with stored digests: in less than a minute, \
      without a model or a network. Under mpirun one rank of each host checks its processor, and all \
      ranks together the rest. Exits with 70 when anything differs, and says what, on which rank and host.

        decaf selftest
        mpirun -np 4 decaf selftest
      """)

  @Flag(help: "Print the digests, a line each, and compare nothing.")
  var printDigests = false

  @Option(
    help: .init("Digests to compare with, as --print-digests prints them.", visibility: .hidden))
  var digests: String?

  @OptionGroup var result: ResultOptions

  @OptionGroup var runOptions: RunOptions

  var isDryRun: Bool { runOptions.isDryRun }

  func printPlan() throws { print("parts       \(SelfTest.parts.joined(separator: ", "))") }

  func run(in context: CommandContext) throws -> ExitStatus {
    let facts = try context.collectFacts(threads: runOptions.threads)
    let test = try context.communicator.agree {
      let text = try digests.map { path in
        let file = try PositionedFile(path, .read)
        return String(decoding: try file.read(try file.byteCount(), at: 0), as: UTF8.self)
      }
      return try SelfTest(
        context.communicator, team: context.makeTeam(facts), facts: facts, digests: text)
    }
    let begin = ContinuousClock.now
    let report = try test.run()
    guard context.isRoot else { return .done }
    if printDigests {
      let lines = Set(report.outcomes.map { StoredDigests.line(of: $0.digest) }).sorted()
      try StandardOutput.write(Array(lines.map { $0 + "\n" }.joined().utf8))
      for failure in report.failures { context.log.error("\(failure)") }
      return report.failures.isEmpty ? .done : .internalFailure
    }
    let seconds = (ContinuousClock.now - begin) / .seconds(1)
    let summary = SelfTestReport(report: report, problems: facts.problems, seconds: seconds)
    try result.show(summary.json, text: summary.text)
    return summary.isGood ? .done : .internalFailure
  }
}
