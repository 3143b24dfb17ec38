internal import Files

/// One layer of a store: what is extracted and how its rows are shaped.
package struct LayerSpec: Codable, Equatable, Sendable {
  /// The blob's name as the user writes it: `fc6`, `fc6:pre`.
  package var name: String
  /// The name its files begin with: `fc6-pre`.
  package var fileStem: String
  /// The blob's shape for one view, `[C, H, W]` or `[C]`.
  package var shape: [Int]
  /// Views kept side by side in a row: 10 for `ten-all`, else 1.
  package var viewsPerRow: Int

  package init(name: String, fileStem: String, shape: [Int], viewsPerRow: Int = 1) {
    self.name = name
    self.fileStem = fileStem
    self.shape = shape
    self.viewsPerRow = viewsPerRow
  }

  /// What makes this no layer of a store of so many rows; nil when it is one.
  func problem(rows: Int) -> String? {
    if fileStem.isEmpty || fileStem.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 }) {
      return "layer \(name) has the file stem “\(fileStem)”"
    }
    let factors = shape + [viewsPerRow, max(rows, 1)]
    if factors.contains(where: { $0 < 1 }) || factors.product(times: 4) == nil {
      return "layer \(name) has the shape \(rows) × \(shape)"
    }
    return shape.isEmpty ? "layer \(name) has no shape" : nil
  }

  /// Values of one view.
  package var viewWidth: Int { shape.reduce(1, *) }

  /// Values of one row, all views.
  package var width: Int { viewsPerRow * viewWidth }

  /// The axes after the rows in the layer's NumPy files: `[width]`, or `[views, width]`.
  package var rowShape: [Int] { viewsPerRow == 1 ? [viewWidth] : [viewsPerRow, viewWidth] }
}
