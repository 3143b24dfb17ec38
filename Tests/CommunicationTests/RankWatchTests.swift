import Communication
import Files
import Testing

/// Who is taken for lost, and when; with a clock of the test's own.
struct RankWatchTests {
  private let start = ContinuousClock.now

  private func time(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

  private func beat(_ phase: String, _ images: Int = 0) -> Beat {
    Beat(hostName: "node", activity: Activity(phase: phase, images: images))
  }

  /// A watch that looks every quarter of a second until `end`, with the beats of ranks that live.
  private func run(
    _ watch: inout RankWatch, alive: [Int], from: Double = 0, to end: Double
  ) throws(SilentRanks) {
    for step in 1...Int((end - from) * 4) {
      let now = time(from + Double(step) / 4)
      for rank in alive { watch.heard(from: rank, beat("work", step), now: now) }
      try watch.check(now: now)
    }
  }

  /// What `body` complains of; nil when it does not.
  private func silence(_ body: () throws(SilentRanks) -> Void) -> SilentRanks? {
    do { try body() } catch { return error }
    return nil
  }

  @Test func theSilentRankIsNamedWithWhatItDid() throws {
    var watch = RankWatch(rank: 0, size: 4, now: start)
    watch.limit = 5
    watch.heard(from: 2, beat("opening the model", 3), now: time(0))
    try run(&watch, alive: [1, 3], to: 5)
    let error = silence { () throws(SilentRanks) in
      try run(&watch, alive: [1, 3], from: 5, to: 6)
    }
    #expect(error?.ranks.map(\.rank) == [2])
    #expect(error?.exitStatus == .stoppedEarly)
    #expect(error?.description.contains("rank 2 on node") == true)
    #expect(error?.description.contains("“opening the model” after 3 images") == true)
  }

  @Test func aRankThatBeatsIsNeverLost() throws {
    var watch = RankWatch(rank: 0, size: 3, now: start)
    watch.limit = 5
    try run(&watch, alive: [1, 2], to: 100)
  }

  @Test func othersWatchRankZeroAlone() throws {
    var watch = RankWatch(rank: 2, size: 3, now: start)
    watch.limit = 5
    try run(&watch, alive: [0], to: 20)
    let error = silence { () throws(SilentRanks) in
      try run(&watch, alive: [1], from: 20, to: 26)
    }
    #expect(error?.ranks.map(\.rank) == [0])
  }

  /// Beats wait for one that was frozen itself: it must not blame those that sent them.
  @Test func aWatcherThatSleptBlamesNobodyAtOnce() throws {
    var watch = RankWatch(rank: 0, size: 2, now: start)
    watch.limit = 5
    try run(&watch, alive: [1], to: 2)
    try watch.check(now: time(60))
    try run(&watch, alive: [1], from: 60, to: 70)
    try watch.check(now: time(100))
    let error = silence { () throws(SilentRanks) in
      try run(&watch, alive: [], from: 100, to: 106)
    }
    #expect(error?.ranks.map(\.rank) == [1])
  }

  @Test func changesOfActivityAreDated() {
    var watch = RankWatch(rank: 0, size: 2, now: start)
    watch.heard(from: 1, beat("work", 1), now: time(1))
    watch.heard(from: 1, beat("work", 1), now: time(2))
    #expect(watch[1]?.changed == time(1))
    #expect(watch[1]?.heard == time(2))
    watch.heard(from: 1, beat("work", 2), now: time(3))
    #expect(watch[1]?.changed == time(3))
    #expect(watch[2] == nil)
  }

  @Test func severalBeatsFitIntoTheLimit() {
    var watch = RankWatch(rank: 1, size: 2, now: start)
    for limit in [0.5, 5, 600] {
      watch.limit = limit
      #expect(watch.interval <= limit / 4)
      #expect(watch.interval <= 2)
    }
    let due = [0, 1, 3, 4, 5.5].map { watch.isBeatDue(now: time($0)) }
    #expect(due == [true, false, true, false, true])
  }

  @Test(arguments: ["", "a phase", "Häuser"]) func beatsKeepTheirContent(phase: String) {
    let beat = Beat(hostName: "node-7", activity: Activity(phase: phase, images: 1 << 40))
    #expect(Beat(decoding: beat.encoded) == beat)
  }

  @Test func bytesThatAreNoBeatAreRefused() {
    for length in 0...9 { #expect(Beat(decoding: [UInt8](repeating: 1, count: length)) == nil) }
  }

  /// In-process ranks watch each other as real ones do.
  @Test func aRankThatWaitsNamesTheOneThatNeverComes() {
    let error = #expect(throws: SilentRanks.self) {
      try InProcessCommunicator.run(size: 3) { communicator in
        communicator.watch.limit = 0.5
        communicator.activity = Activity(phase: "counting")
        if communicator.rank != 2 { return try communicator.barrier() }
        communicator.beat()
        // Silent until the others have given up.
        while true { _ = try communicator.receiveNothing() }
      }
    }
    #expect(error?.ranks.map(\.rank) == [2])
    #expect(error?.description.contains("“counting”") == true)
  }
}

extension InProcessCommunicator {
  /// Waits without a word, until another rank has failed.
  fileprivate func receiveNothing() throws {
    var mute = watch
    mute.limit = 1e6  // neither beats nor complains
    watch = mute
    _ = try receive(tag: Tag(rawValue: 9))
  }
}
