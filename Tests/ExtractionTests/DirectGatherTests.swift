import ConvNet
import Files
import Foundation
import Images
import Synchronization
import Tensors
import TestSupport
import Testing

@testable import Extraction
@testable import FeatureStore

/// `--gather direct`: a worker's report is a promise that the rows are on the device.
@Suite struct DirectGatherTests {
  /// What a worker did to its files, and which of it is not durable yet.
  private final class Log: Sendable {
    private let state = Mutex<(writes: Int, pending: Set<String>)>((0, []))

    var writeCount: Int { state.withLock { $0.writes } }
    var unsynchronized: Set<String> { state.withLock { $0.pending } }

    func folder(_ path: String) -> StoreFolder {
      StoreFolder(path) { [self] change throws(SystemError) in
        state.withLock { state in
          switch change {
          case .write(let name, _, _):
            state.writes += 1
            state.pending.insert(name)
          case .synchronize(let name): state.pending.remove(name)
          default: break
          }
        }
      }
    }
  }

  @Test func everyWriteIsSynchronizedBeforeItsReport() throws {
    try withTemporaryFolder { folder in
      let fixture = try ExtractionJobTests.fixture.get()
      var request = ExtractionRequest(RecipeOptions(transform: try InputTransform.named("caffe")))
      (request.list, request.model) = (fixture.list, fixture.model)
      request.layers = [try BlobName(parsing: "pool5"), try BlobName(parsing: "conv5:pre")]
      (request.rowsPerShard, request.gather) = (5, .direct)
      let list = try ImageList(contentsOf: request.list, root: nil)
      let model = try Model.open(request.model)
      let plan = ExtractionPlan(
        request, source: try NetworkSource(model, request.recipe, layers: request.layers),
        kernelClass: try KernelClass.current)
      let provenance = Provenance(request: request, list: list, plan: plan)
      let writer = try StoreWriter.open(
        "\(folder)/store", provenance: provenance, classes: list.classes)
      let log = Log()
      let loader = ImageLoader(
        transform: plan.recipe.transform, views: .center, decode: .exact,
        faults: FaultInjection(environment: [:]))
      let pipeline = WorkerPipeline(
        makeExtractor: {
          try BatchExtractor(plan, loader: loader, team: ThreadTeam(threadCount: 1))
        }, faults: FaultInjection(environment: [:]), hostName: "here", inputs: [],
        rowFiles: RowFiles(log.folder("\(folder)/store"), StoreLayout(provenance)))
      // One at a time, or writes of the next would be taken for forgotten ones. Batches cross shards.
      for start in stride(from: 0, to: list.count, by: 7) {
        let rows = start..<min(start + 7, list.count)
        let before = log.writeCount
        pipeline.submit(
          Batch(
            rows: rows, items: rows.map { BatchItem(location: list.location(of: list[$0])) },
            isSuspect: false))
        var event: WorkerPipeline.Event?
        while event == nil {
          event = pipeline.poll()
          usleep(200)
        }
        #expect(log.unsynchronized == [], "rows \(rows)")
        guard case .finished(let result) = event! else {
          Issue.record("the worker failed")
          return
        }
        #expect(log.writeCount >= before + 2, "two layers at least")
        let reported = result.parts.flatMap { Array($0.finished.rows) }
        #expect((reported + result.unreadable.map(\.row)).sorted() == Array(rows))
        for part in result.parts {
          #expect(part.data.isEmpty)
          #expect(part.finished.checksums.count == 2)
          // What is reported is what the files hold.
          try writer.recordFinished(part.finished, rows: nil)
        }
        try writer.recordFailed(result.unreadable)
      }
      pipeline.close()
      try writer.complete { (list[$0].path, list[$0].label) }
    }
  }
}
