import Communication
import Files
import Testing

@testable import Extraction

/// What is compared before anything is computed, and how it is told.
@Suite struct PreflightTests {
  /// Two ranks on host a, one on b, all well.
  private struct Case {
    var facts = (0..<3).map { rank in
      RankFacts(
        host: rank < 2 ? "a" : "b", program: "decaf 1", kernels: "avx2",
        availableByteCount: 4_000_000_000)
    }
    var gather = GatherMode.auto
    var findings = (0..<3).map { _ in
      RankFinding(model: "caffenet, weights 12ab…", kernelClass: "avx2", ownByteCount: 1 << 30)
    }
    var order = PreflightOrder(
      nonce: "n", images: [Array("i/1.jpg".utf8), Array("i/2.jpg".utf8)], root: "/data")
    var answers: [RankAnswer] = [
      RankAnswer(images: ["", ""]), RankAnswer(), RankAnswer(images: ["", ""]),
    ]

    var verdict: PreflightVerdict {
      Preflight(
        facts: JobFacts(ranks: facts), gather: gather, modelPath: "m.safetensors",
        listPath: "list.txt"
      ).verdict(findings, order, answers)
    }
  }

  private let elsewhere = RankFinding.Problem("no lock there", .cannotCreate)

  @Test func ranksThatAreAlikeWriteTheirOwnRows() {
    #expect(Case().verdict == PreflightVerdict(isDirect: true))
    #expect(!Case(gather: .coordinator).verdict.isDirect)
    var alone = Case()
    alone.facts = [alone.facts[0]]
    alone.findings = [alone.findings[0]]
    alone.answers = [alone.answers[0]]
    #expect(!alone.verdict.isDirect)
    alone.gather = .direct
    #expect(alone.verdict.isDirect)
  }

  @Test func aFolderThatOneRankDoesNotSeeIsWrittenByRankZero() {
    var job = Case()
    job.answers[2].storeProblem = elsewhere
    #expect(job.verdict == PreflightVerdict(isDirect: false))
    job.gather = .direct
    #expect(job.verdict.failure?.status == ExitStatus.cannotCreate.rawValue)
    #expect(job.verdict.failure?.text == "no lock there (rank 2 on b)")
  }

  @Test func allThatIsWrongIsToldAtOnce() throws {
    var job = Case(gather: .direct)
    job.facts[1].program = "decaf 0"
    job.findings[2].model = "caffenet, weights 34cd…"
    job.answers[2].images = ["cannot open the file", "cannot open the file"]
    job.answers[2].storeProblem = elsewhere
    job.findings[1].problem = .init("no kernels", .usage)
    let failure = try #require(job.verdict.failure)
    #expect(failure.status == ExitStatus.cannotCreate.rawValue)
    for text in [
      "5 problems", "rank 1 on a: runs decaf 0", "no kernels (rank 1 on a)",
      "m.safetensors holds different weights on different ranks",
      "rank 2 on b: caffenet, weights 34cd…", "no lock there (rank 2 on b)",
      "host b (rank 2) reads none of 2 images of list.txt", "i/1.jpg: cannot open the file",
      "relative paths start from /data",
    ] { #expect(failure.text.contains(text), "\(failure.text)") }
  }

  @Test func whatAllRanksFindIsToldOnceAndWithoutNames() {
    var job = Case()
    for rank in 0..<3 { job.findings[rank].problem = .init("no such model", .badInput) }
    #expect(job.verdict.failure == .init("no such model", .badInput))
  }

  @Test func imagesThatNobodyReadsAreNobodysFault() {
    var job = Case()
    for rank in [0, 2] { job.answers[rank].images = ["cannot open", "cannot open"] }
    #expect(job.verdict == PreflightVerdict(isDirect: true))
    job.answers[0].images = ["", ""]
    job.answers[2].images = ["cannot open", ""]
    #expect(job.verdict.failure == nil)
    #expect(job.verdict.warnings.count == 1)
    #expect(job.verdict.warnings[0].contains("host b cannot read 1 of 2 images"))
  }

  @Test func aHostWithTooLittleMemoryIsNamed() {
    var job = Case()
    job.facts[2].availableByteCount = 1 << 29
    #expect(job.verdict.warnings.count == 1)
    #expect(job.verdict.warnings[0].contains("host b has 0.5 GB of memory free"))
  }

  @Test func theSampleIsSpreadOverTheList() {
    #expect(Preflight.sampleRows(count: 0) == [])
    #expect(Preflight.sampleRows(count: 3) == [0, 1, 2])
    let rows = Preflight.sampleRows(count: 1000)
    #expect(rows.count == 8 && rows.first == 0 && rows.last == 999)
    #expect(Set(rows).count == 8)
  }

  /// A file server that does not answer takes no longer than the limit.
  @Test func aReadThatDoesNotReturnIsGivenUp() throws {
    let messages = try InProcessCommunicator.run(size: 1) { communicator in
      ImageTrial.run(
        [ByteString("/dev/null"), ByteString("/nowhere/x.jpg")], limit: 5,
        faults: FaultInjection(environment: [:]), communicator)
    }[0]
    #expect(messages[0] == "")
    #expect(messages[1].hasPrefix("cannot open"))
  }
}
