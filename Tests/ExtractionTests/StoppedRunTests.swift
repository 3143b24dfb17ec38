import Communication
import ConvNet
import Foundation
import Logging
import Tensors
import TestSupport
import Testing

@testable import Extraction
@testable import FeatureStore

/// What a run that was asked to stop leaves: everything in hand finished, and recorded.
@Suite struct StoppedRunTests {
  @Test(arguments: [1, 3], [GatherMode.coordinator, .direct])
  func whatWasInHandIsFinishedAndRecorded(ranks: Int, gather: GatherMode) throws {
    // Half a second, in which images of 150 milliseconds are begun, but not all; more where others keep
    // the machine so busy that no engine is ready by then.
    for seconds in [0.5, 1, 2, 4] {
      let hasBegun = try withTemporaryFolder { folder in
        let summary = try run("\(folder)/store", ranks: ranks, gather, seconds: seconds)
        #expect(summary.stopReason == "--max-hours")
        var state = JobState()
        _ = try Journal.read(StoreFolder("\(folder)/store")) { state.apply($0) }
        #expect(state.inFlight.isEmpty, "rows \(state.inFlight.ranges) are under suspicion")
        let images = summary.ranks.reduce(0) { $0 + $1.timing.images }
        #expect(images < ExtractionFixture.rowCount)
        #expect(state.finished.count == images)
        return images > 0
      }
      if hasBegun { return }
    }
    Issue.record("no image was begun within 4 seconds")
  }

  /// A job of images that take 150 milliseconds each, which stops after so many seconds.
  private func run(
    _ store: String, ranks: Int, _ gather: GatherMode, seconds: Double
  ) throws -> ExtractionSummary {
    let fixture = try ExtractionJobTests.fixture.get()
    return try InProcessCommunicator.run(size: ranks, deadlineSeconds: 120) { communicator in
      var request = ExtractionRequest(
        RecipeOptions(transform: try InputTransform.named("caffe")))
      (request.list, request.model) = (fixture.list, fixture.model)
      request.output = store
      request.layers = [try BlobName(parsing: "pool5")]
      request.batchSize = 1
      request.gather = gather
      request.progress = .log
      request.maxHours = seconds / 3600
      return try ExtractionJob(
        request, communicator: communicator, team: ThreadTeam(threadCount: 1),
        log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        faults: FaultInjection(environment: ["DECAF_FAULT_DELAY": "150"])
      ).run()
    }[0]
  }
}
