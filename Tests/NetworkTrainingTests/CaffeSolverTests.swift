import Communication
import ConvNet
import Files
import Formats
import Foundation
import Tensors
import Testing

@testable import NetworkTraining

/// Ten steps of Caffe's own solver, beside this repository in `../shared/data/caffe_golden/solver`.
@Suite struct CaffeSolverTests {
  static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
    + "/../../../shared/data/caffe_golden/solver"
  static let isThere = FileManager.default.fileExists(atPath: folder + "/solver.prototxt")

  static func arrays(_ name: String) throws -> [String: [Float]] {
    let variables = try NPZFile.variables(try MappedFile("\(folder)/\(name).npz"))
    return Dictionary(
      uniqueKeysWithValues: variables.map { ($0.name, $0.numbers!.numbers.map { Float($0) }) })
  }

  /// Largest difference of two arrays, as a part of the largest number of a third.
  static func difference(_ a: [Float], _ b: [Float], of whole: [Float]) -> Double {
    Double(zip(a, b).map { abs($0 - $1) }.max()!) / Double(whole.map(abs).max()!)
  }

  @Test(
    .enabled(if: isThere, "no ../shared/data/caffe_golden/solver beside this repository"),
    arguments: [1, 3])
  func tenStepsAreCaffes(ranks: Int) throws {
    let solver = try SolverText(
      [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.folder + "/solver.prototxt"))),
      source: "solver.prototxt")
    let text = try TrainingText(
      [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.folder + "/train.prototxt"))),
      source: "train.prototxt")
    let plan = try NetworkPlan(text, seed: 0)
    let batches = try Self.arrays("batches")
    let weights = try Self.arrays("weights_00")
    let expected = try Self.arrays("gradients_01")
    let losses = try String(contentsOfFile: Self.folder + "/losses.txt", encoding: .utf8)
      .split(separator: "\n").map { Double($0)! }
    let found = try InProcessCommunicator.run(size: ranks) { communicator in
      try Self.train(plan, solver.settings, batches, weights, communicator)
    }[0]
    for (name, gradient) in expected {
      let difference = Self.difference(found.gradients[name]!, gradient, of: gradient)
      #expect(difference <= 2e-5, "gradient of \(name)")
      print("gradient of \(name): \(difference) of its largest")
    }
    for (step, loss) in losses.enumerated() {
      #expect(abs(found.losses[step] - loss) <= 1e-5 * loss, "loss of step \(step)")
    }
    print("losses: \(zip(found.losses, losses).map { abs($0 - $1) / $1 }.max()!)")
    for (name, start) in weights {
      let end = try Self.arrays("weights_10")[name]!
      let change = zip(start, end).map { $1 - $0 }
      let difference = Self.difference(found.weights[name]!, end, of: change)
      // Steps in single precision drift: Caffe's own differ from a float64 twin by 2.7e-4.
      #expect(difference <= 1e-3, "weights of \(name)")
      print("weights of \(name): \(difference) of their change")
    }
  }

  struct Found: Sendable {
    var losses: [Double] = []
    var gradients: [String: [Float]] = [:]
    var weights: [String: [Float]] = [:]
  }

  static func train(
    _ plan: NetworkPlan, _ settings: SolverSettings, _ batches: [String: [Float]],
    _ weights: [String: [Float]], _ communicator: InProcessCommunicator
  ) throws -> Found {
    let machine = Machine(
      communicator, team: ThreadTeam(threadCount: 1), kernelClass: .supported.last!)
    let network = TrainedNetwork(plan, capacity: 16, machine)
    for parameter in network.parameters {
      let whole = weights["\(parameter.layer).\(parameter.name)"]!
      for slice in parameter.slices
      where parameter.isWhole || parameter.rows.contains(slice.lowerBound) {
        let length = parameter.rowLength
        parameter.set(
          parameter.values, rows: slice,
          Array(whole[slice.lowerBound * length..<slice.upperBound * length]))
      }
      parameter.largest = machine.kernels.largestMagnitude(BufferPart(parameter.values))
    }
    var found = Found()
    func gather(_ buffer: KeyPath<TrainedParameter, FloatBuffer>) throws -> [String: [Float]] {
      try network.parameters.reduce(into: [:]) { all, parameter in
        var whole = [Float]()
        for slice in parameter.slices {
          whole += try machine.gather(parameter, parameter[keyPath: buffer], rows: slice)
        }
        all["\(parameter.layer).\(parameter.name)"] = whole
      }
    }
    let length = 3 * 67 * 67
    for step in 0..<10 {
      network.prepare()
      let batch = BatchImages(
        labels: (0..<16).map { Int(batches["labels"]![step * 16 + $0]) },
        streams: [UInt64](repeating: 0, count: 16), isTraining: true,
        rank: communicator.rank, size: communicator.size)
      for (place, image) in batch.own.enumerated() {
        let start = (step * 16 + image) * length
        let pixels = batches["images"]![start..<start + length].enumerated().map {
          $1 - [104, 117, 123][$0 / (67 * 67)]
        }
        FeatureMap(
          network.input, at: place * length, MapLayout(channels: 3, height: 67, width: 67)
        ).setChannelsFirst(pixels.span)
      }
      try network.computeRows(batch)
      let outcome = try network.learnRows(batch)
      found.losses.append(outcome.loss / 16)
      if step == 0 { found.gradients = try gather(\.gradient) }
      try Descent(settings: settings).step(network.parameters, iteration: step, machine)
    }
    found.weights = try gather(\.values)
    return found
  }
}
