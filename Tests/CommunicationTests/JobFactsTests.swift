import Communication
import Testing

/// What ranks tell each other of what they are and run on.
@Suite struct JobFactsTests {
  private func facts(
    _ host: String, program: String = "decaf 1", kernels: String = "avx2", threads: Int? = nil,
    on processors: String = "0-7", of online: Int = 8
  ) -> RankFacts {
    RankFacts(
      host: host, boot: host, program: program, kernels: kernels, threads: threads,
      processors: processors, onlineCount: online, availableByteCount: 8_000_000_000)
  }

  @Test func processorsAreSharedByTheRanksThatMayUseThem() {
    let job = JobFacts(ranks: [
      facts("a"), facts("a"), facts("b"), facts("c", on: "0-1"), facts("c", on: "2-7"),
      facts("d", threads: 3),
    ])
    #expect((0..<6).map(job.threadCount) == [4, 4, 8, 2, 6, 3])
    #expect(job.hosts.map(\.name) == ["a", "b", "c", "d"])
    #expect((0..<6).map(job.leader) == [0, 0, 2, 3, 3, 5])
    #expect(job.warnings == [] && job.problems == [])
  }

  /// Two machines that are both called localhost.
  @Test func hostsOfOneNameAreToldApart() {
    var other = facts("a")
    other.boot = "another"
    let job = JobFacts(ranks: [facts("a"), other])
    #expect(job.hosts.map(\.ranks) == [[0], [1]])
    #expect(job.threadCount(of: 1) == 8)
  }

  @Test func threadsOnOneProcessorAreNamedWithTheCure() {
    let job = JobFacts(ranks: [
      facts("a", threads: 2, on: "0"), facts("a", threads: 2, on: "1"),
      facts("b", threads: 2, on: "0-1"),
    ])
    #expect(job.warnings.count == 1)
    for text in [
      "rank 0 on a (and 1 more)", "2 threads share one processor of 8", "--bind-to none",
      "slot:PE=2",
    ] { #expect(job.warnings[0].contains(text), "\(job.warnings[0])") }
    // A machine that has no more has no remedy.
    #expect(JobFacts(ranks: [facts("a", threads: 2, on: "0", of: 1)]).warnings == [])
  }

  @Test func otherProgramsAndKernelsAreNamed() {
    let job = JobFacts(ranks: [
      facts("a"), facts("b", kernels: "baseline"), facts("c", program: "decaf 2"), nil,
    ])
    #expect(job.problems.count == 2)
    #expect(job.problems[0].contains("rank 2 on c: runs decaf 2, rank 0 runs decaf 1"))
    #expect(job.problems[1].hasPrefix("rank 3 on an unknown host"))
    #expect(job.warnings[0].hasPrefix("rank 1 on b: baseline kernels, others avx2"))
  }

  @Test func bannerHasALineForHostsThatAreAlike() {
    let one = JobFacts(ranks: [facts("a")]).banner(library: "no launcher")
    #expect(
      one == """
        decaf 1, no launcher, avx2 kernels, 1 rank
          a: 1 rank of 8 threads, 8 of 8 processors, 8.0 GB free
        """)
    let many = JobFacts(ranks: (0..<24).map { facts("h\($0 / 2)", on: "\($0 % 2)") })
      .banner(library: "MPI")
    #expect(
      many == """
        decaf 1, MPI, avx2 kernels, 24 ranks on 12 hosts
          h0, h1, h2, h3 and 8 more: 2 ranks of 1 thread, 1 of 8 processors each, 8.0 GB free
        """)
  }

  @Test(arguments: ["0", "0-3,8", "1,3,5-6"]) func processorSetsReadWhatTheyWrite(text: String) {
    #expect(ProcessorSet(description: text).description == text)
  }

  @Test(arguments: [1, 2, 5]) func everyRankGetsTheFactsOfAll(size: Int) throws {
    let all = try InProcessCommunicator.run(size: size) { communicator in
      try JobFacts.collect(
        .own(host: "h\(communicator.rank)", program: "p", kernels: "k", threads: nil),
        communicator)
    }
    #expect(all.allSatisfy { $0 == all[0] })
    #expect(all[0].ranks.map { $0?.host } == (0..<size).map { "h\($0)" })
    #expect(all[0].ranks.allSatisfy { ($0?.availableByteCount ?? 0) > 0 })
  }
}
