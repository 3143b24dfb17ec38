internal import ConvNet
internal import Evaluation
internal import FeatureStore
internal import Files
internal import Foundation
internal import Plotting

/// What a page says of the runs that made a store: their hosts, speed, ranks and layers.
struct RunSections {
  let store: Store
  let suffix: String
  private let runs: [Run]

  /// Ranks of a run that a table shows.
  private static let mostRanks = 64

  init(_ store: Store, suffix: String) {
    (self.store, self.suffix) = (store, suffix)
    runs = store.recordedRuns.compactMap { number, record in
      (try? record.decoded(Record.self)).map { Run(number: number, record: $0) }
    }
  }

  var isEmpty: Bool { runs.isEmpty }

  /// Speed by run, over time, and by rank.
  var throughput: ReportPage.Section {
    var blocks: [ReportBlock] = [
      .table(
        header: ["run", "ended", "program", "hosts", "ranks", "images", "seconds", "images/s", ""],
        numbers: [0, 4, 5, 6, 7], rows: runs.map(\.line))
    ]
    for run in runs { blocks += detail(run) }
    return .init("Throughput\(suffix)", blocks)
  }

  private func detail(_ run: Run) -> [ReportBlock] {
    var blocks: [ReportBlock] = []
    if let chart = run.chart {
      blocks.append(.drawing(chart.svg))
    } else if run.images > 0 {
      blocks.append(
        .text("Run \(run.number) has no times of its rows: an earlier version made it."))
    }
    let ranks = run.record.ranks.filter { $0.images > 0 }
    guard !ranks.isEmpty else { return blocks }
    let shown = Self.extremes(ranks)
    blocks.append(
      .text(
        "Run \(run.number) by rank, seconds of its threads"
          + (shown.count < ranks.count
            ? "; of \(ranks.count) ranks those with the most and the fewest images:" : ":")))
    blocks.append(
      .table(
        header: [
          "rank", "host", "images", "failed", "start", "read", "decode", "resize", "engine", "rows",
          "write", "wait",
        ], numbers: Set([0] + Array(2..<12)), rows: shown.map(\.line)))
    return blocks
  }

  private static func extremes(_ ranks: [Rank]) -> [Rank] {
    if ranks.count <= mostRanks { return ranks }
    let sorted = ranks.sorted { ($1.images, $0.rank) < ($0.images, $1.rank) }
    return Array(sorted.prefix(mostRanks / 2) + sorted.suffix(mostRanks / 2))
  }

  /// Time by layer over all runs; nil where none says.
  var layerTimes: ReportPage.Section? {
    var seconds: [String: Double] = [:]
    var names: [String] = []
    var images = 0
    for rank in runs.flatMap(\.record.ranks) where !(rank.layers ?? []).isEmpty {
      images += rank.images
      for layer in rank.layers! {
        if seconds[layer.layer] == nil { names.append(layer.layer) }
        seconds[layer.layer, default: 0] += layer.seconds
      }
    }
    let recipe = store.provenance.recipe
    // A hand-made feature has no layers: its one bar would say nothing.
    guard images > 0, recipe.descriptor == nil, names.contains(where: { seconds[$0]! > 0 }) else {
      return nil
    }
    let definition = Architecture(rawValue: recipe.model.architecture)?.definition
    let layers = names.map {
      LayerTimes.Layer(
        name: $0, kind: Self.kind(of: $0, definition),
        milliseconds: 1000 * seconds[$0]! / Double(images))
    }
    let drawing = LayerTimes(
      title: "Time by layer: \(recipe.model.architecture)",
      layers: layers.filter { $0.milliseconds > 0 },
      notes: ["Milliseconds of a thread an image, over \(images) images of all ranks and runs."])
    return .init("Time by layer\(suffix)", [.drawing(drawing.svg)])
  }

  /// Of a network that does not come with decaf, only names tell.
  private static func kind(of name: String, _ definition: NetworkDefinition?) -> LayerTimes.Kind {
    if let definition {
      return LayerTimes.Kind(definition.layers.first { $0.name == name }?.operation)
    }
    if name.contains(" ") { return .other }
    if name.hasPrefix("conv") { return .convolution }
    return name.hasPrefix("fc") || name.hasPrefix("ip") ? .innerProduct : .other
  }

  /// A run, and what is made of its record.
  private struct Run {
    let number: Int
    let record: Record

    var images: Int { record.ranks.reduce(0) { $0 + $1.images } }

    var line: [String] {
      let hosts = RecordedResults.inOrder(record.ranks.map(\.host))
      let rate = record.elapsedSeconds > 0 ? Double(images) / record.elapsedSeconds : 0
      return [
        "\(number)", record.finished ?? "", record.program ?? "",
        hosts.count > 4 ? "\(hosts.count) hosts" : hosts.joined(separator: ", "),
        "\(record.size ?? record.ranks.count)", "\(images)",
        ReportText.fixed(record.elapsedSeconds), ReportText.fixed(rate),
        record.stopped.map { "stopped: \($0)" } ?? "",
      ]
    }

    /// Images a second between the moments that the record has.
    var chart: RateChart? {
      var steps: [RateChart.Step] = []
      var (seconds, rows) = (0.0, 0.0)
      for moment in record.pace ?? [] {
        guard moment.count == 2, moment[0] > seconds, moment[1] >= rows else { continue }
        steps.append(
          .init(
            start: seconds, end: moment[0], rate: (moment[1] - rows) / (moment[0] - seconds)))
        (seconds, rows) = (moment[0], moment[1])
      }
      guard !steps.isEmpty else { return nil }
      return RateChart(
        title: "Run \(number): images a second, all ranks", xLabel: "seconds since the first batch",
        yLabel: "images/s", steps: steps)
    }
  }

  /// `runs/NNNN.json`, as far as it is shown; what earlier versions did not write is nil.
  private struct Record: Decodable {
    let program: String?
    let finished: String?
    let stopped: String?
    let size: Int?
    let elapsedSeconds: Double
    let pace: [[Double]]?
    let ranks: [Rank]
  }

  private struct Rank: Decodable {
    let rank: Int
    let host: String
    let images: Int
    let failures: Int?
    let startSeconds, readWaitSeconds, decodeSeconds, transformSeconds: Double?
    let computeSeconds, rowSeconds, writeSeconds, idleSeconds: Double?
    let layers: [Layer]?

    struct Layer: Decodable {
      let layer: String
      let seconds: Double
    }

    var line: [String] {
      let times = [
        startSeconds, readWaitSeconds, decodeSeconds, transformSeconds, computeSeconds, rowSeconds,
        writeSeconds, idleSeconds,
      ]
      return ["\(rank)", host, "\(images)", failures.map { "\($0)" } ?? ""]
        + times.map { $0.map { ReportText.fixed($0, 2) } ?? "" }
    }
  }
}
