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
    try withTemporaryFolder { folder in
      let fixture = try ExtractionJobTests.fixture.get()
      let summary = try InProcessCommunicator.run(size: ranks, deadlineSeconds: 120) {
        communicator -> ExtractionSummary in
        var request = ExtractionRequest(
          RecipeOptions(transform: try InputTransform.named("caffe")))
        (request.list, request.model) = (fixture.list, fixture.model)
        request.output = "\(folder)/store"
        request.layers = [try BlobName(parsing: "pool5")]
        request.batchSize = 1
        request.gather = gather
        request.progress = .log
        // Half a second, in which images of 150 milliseconds are begun, but not all.
        request.maxHours = 0.5 / 3600
        return try ExtractionJob(
          request, communicator: communicator, team: ThreadTeam(threadCount: 1),
          log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
          faults: FaultInjection(environment: ["DECAF_FAULT_DELAY": "150"])
        ).run()
      }[0]
      #expect(summary.stopReason == "--max-hours")
      var state = JobState()
      _ = try Journal.read(StoreFolder("\(folder)/store")) { state.apply($0) }
      #expect(state.inFlight.isEmpty, "rows \(state.inFlight.ranges) are under suspicion")
      let images = summary.ranks.reduce(0) { $0 + $1.timing.images }
      #expect(images > 0 && images < ExtractionFixture.rowCount)
      #expect(state.finished.count == images)
    }
  }
}
