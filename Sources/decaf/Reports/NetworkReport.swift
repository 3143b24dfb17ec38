internal import ConvNet
internal import Foundation

/// The chain of a network's layers, as text or JSON.
struct NetworkReport: Codable {
  struct Layer: Codable {
    let name: String
    let type: String
    /// The activations that it makes, by their name.
    let makes: String
    let shape: [Int]
    let parameterCount: Int
    let multiplyAdds: Int
  }

  var name = ""
  /// The name of the input transform that goes with it.
  var preprocess: String?
  /// Channels, height, width.
  let input: [Int]
  let parameterCount: Int
  let multiplyAdds: Int
  let layers: [Layer]

  init(_ definition: NetworkDefinition) {
    layers = definition.layers.map { layer in
      Layer(
        name: layer.name, type: layer.type, makes: layer.output.description,
        shape: layer.outputShape.dimensions, parameterCount: layer.parameterCount,
        multiplyAdds: layer.multiplyAdds)
    }
    input = definition.inputShape.dimensions
    parameterCount = layers.reduce(0) { $0 + $1.parameterCount }
    multiplyAdds = layers.reduce(0) { $0 + $1.multiplyAdds }
  }

  init(_ architecture: Architecture) {
    self.init(architecture.definition)
    name = architecture.rawValue
    preprocess = architecture.preprocess
  }

  var text: String {
    let lines = [
      "network       \(name)", "input         \(ModelReport.shape(input))",
      "transform     \(preprocess ?? "none named: caffe")",
      "weights       \(parameterCount) numbers",
      "arithmetic    \(Self.millions(multiplyAdds)) million multiply-adds an image", "",
    ]
    return (lines + Self.table(of: layers)).joined(separator: "\n")
  }

  static func millions(_ count: Int) -> String { String(format: "%.1f", Double(count) / 1e6) }

  /// A line a layer, under a heading; columns as wide as what is in them.
  static func table(of layers: [Layer]) -> [String] {
    let rows =
      [["layer", "type", "makes", "shape", "parameters", "M multiply-adds"]]
      + layers.map { layer in
        [
          layer.name, layer.type, layer.makes, ModelReport.shape(layer.shape),
          layer.parameterCount == 0 ? "" : "\(layer.parameterCount)",
          layer.multiplyAdds == 0 ? "" : millions(layer.multiplyAdds),
        ]
      }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
    return rows.map { row in
      row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        // Numbers end, and words begin, where those above do.
        return column < 4 ? cell + space : space + cell
      }.joined(separator: "  ").trimmingCharacters(in: .whitespaces)
    }
  }
}
