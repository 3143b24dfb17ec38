internal import ConvNet
internal import Foundation
internal import Plotting

/// What one rank measured of a network.
struct ProfileMeasurement: Codable {
  var kernels: String
  var threads: Int
  var openSeconds: Double
  var packSeconds: Double
  /// Of a batch, wall-clock, median.
  var batchSeconds: Double
  var layers: [String]
  /// Of a thread, a batch, median.
  var layerSeconds: [Double]
}

/// What `decaf profile` prints: the mean over ranks of what each measured.
struct ProfileReport {
  let model: Model
  let precision: Precision
  let batch: Int
  let rounds: Int
  /// By rank; the layers are those of rank 0, as all ranks ran the same network.
  let ranks: [ProfileMeasurement]

  var text: String {
    ([heading, "layer          ms/image  share  GFLOP/s"] + table + [rates, start])
      .joined(separator: "\n")
  }

  /// The same as a figure, beside what the paper says of its own.
  var figure: LayerTimes {
    let images = Double(ranks.count) * Double(batch)
    let layers = ranks[0].layers.enumerated().map { i, name in
      LayerTimes.Layer(
        name: name, kind: kind(of: name),
        milliseconds: ranks.reduce(0) { $0 + $1.layerSeconds[i] } / images * 1000)
    }
    let total = layers.reduce(0) { $0 + $1.milliseconds }
    return LayerTimes(
      title: "Time by layer: \(model.architecture.rawValue), batch \(batch)",
      layers: layers.filter { $0.milliseconds > 0 },
      notes: [
        heading + String(format: "; %.3f ms of a thread an image in all", total),
        "DeCAF in 2013 (Donahue et al. 2014, figure 3): 40 images a second on 8 cores, most of the time in",
        "fully connected layers.",
      ])
  }

  private func kind(of name: String) -> LayerTimes.Kind {
    LayerTimes.Kind(model.definition.layers.first { $0.name == name }?.operation)
  }

  private var heading: String {
    let kernels = Set(ranks.map(\.kernels)).sorted().joined(separator: ", ")
    let threads = Set(ranks.map(\.threads)).sorted().map(String.init).joined(separator: ", ")
    return "\(model.architecture.rawValue)\(precision.remark), \(kernels) kernels, "
      + "ranks \(ranks.count), threads a rank \(threads), batch \(batch), median of \(rounds)"
  }

  /// A line a layer, and their sum.
  private var table: [String] {
    let total = ranks.reduce(0) { $0 + $1.layerSeconds.reduce(0, +) }
    let images = Double(ranks.count) * Double(batch)
    var lines: [String] = []
    for (i, name) in ranks[0].layers.enumerated() {
      let seconds = ranks.reduce(0) { $0 + $1.layerSeconds[i] }
      if seconds == 0 { continue }  // a step too short to be seen
      let image = seconds / images
      let rate = operations(of: name).map { String(format: "%7.1f", $0 / image / 1e9) }
      lines.append(
        name.padding(toLength: 14, withPad: " ", startingAt: 0)
          + String(format: " %8.3f  %4.1f%%", image * 1000, seconds / total * 100)
          + (rate.map { "  \($0)" } ?? ""))
    }
    return lines + ["all           " + String(format: " %8.3f", total / images * 1000)]
  }

  /// Images a second, of all ranks together and, where there are several, of each.
  private var rates: String {
    let rates = ranks.map { Double(batch) / $0.batchSeconds }
    let byRank = rates.map { String(format: "%.1f", $0) }.joined(separator: ", ")
    return String(format: "%.1f images/s", rates.reduce(0, +))
      + (rates.count > 1 ? " (by rank \(byRank))" : "")
  }

  private var start: String {
    String(
      format: "start: %.2f s to open the weights, %.2f s to pack them",
      ranks.map(\.openSeconds).max()!, ranks.map(\.packSeconds).max()!)
  }

  /// Multiplications and additions of a layer's definition for one image; nil for those that have
  /// no weights.
  private func operations(of name: String) -> Double? {
    guard let layer = model.definition.layers.first(where: { $0.name == name }),
      layer.multiplyAdds > 0
    else { return nil }
    return 2 * Double(layer.multiplyAdds)
  }
}

extension LayerTimes.Kind {
  /// Of a layer's operation; nil is a step that is no layer, such as writing rows.
  init(_ operation: LayerOperation?) {
    self =
      switch operation {
      case .convolution: .convolution
      case .innerProduct: .innerProduct
      default: .other
      }
  }
}
