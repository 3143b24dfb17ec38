internal import CKernels

/// An inner product's weights in the order in which inputs that are mostly zero want them:
/// `[panel][k][output of the panel]`.
///
/// Behind a ReLU two thirds of the inputs are zero, and a zero needs no weights. A row of weights holds
/// an output's for all inputs; a panel has those of one input side by side, to be read or left out.
package struct WeightPanels: Sendable {
  /// Outputs of a panel; the last one is filled up with zeros.
  package static let width = Int(DECAF_PANEL_OUTPUTS)

  private let weights: StoredFloats
  private let outputs: Int
  private let depth: Int

  /// - Parameter weights: `outputs × depth`, row-major.
  /// - Precondition: the depth is a multiple of `InnerProduct.depthStep`.
  package init(of weights: StoredFloats, outputs: Int) {
    precondition(outputs > 0 && weights.count % outputs == 0, "weights of another shape")
    depth = weights.count / outputs
    precondition(depth % InnerProduct.depthStep == 0 && depth > 0, "depth \(depth)")
    self.weights = weights
    self.outputs = outputs
  }

  /// How many panels there are.
  package var count: Int { (outputs + Self.width - 1) / Self.width }

  package var shape: [Int] { [count, depth, Self.width] }

  /// Floats of all panels.
  package var floatCount: Int { count * depth * Self.width }

  /// Inputs whose part of a panel is made at a time.
  private static let pieceDepth = 256

  /// Calls `body` with the numbers of a panel, in order, in pieces.
  package func forEachPiece<E: Error>(
    of panel: Int, _ body: (Span<Float>) throws(E) -> Void
  ) throws(E) {
    precondition(panel >= 0 && panel < count, "panel \(panel) of \(count)")
    let rows = panel * Self.width..<min((panel + 1) * Self.width, outputs)
    try weights.withFloats(rows.lowerBound * depth..<rows.upperBound * depth) {
      (source) throws(E) in
      var piece = [Float](repeating: 0, count: Self.pieceDepth * Self.width)
      for start in stride(from: 0, to: depth, by: Self.pieceDepth) {
        let end = min(start + Self.pieceDepth, depth)
        source.withUnsafeBufferPointer { source in
          piece.withUnsafeMutableBufferPointer {
            decaf_pack_panel(
              source.baseAddress!, rows.count, depth, start, end, $0.baseAddress!)
          }
        }
        try body(piece.span.extracting(0..<(end - start) * Self.width))
      }
    }
  }

  /// Whether `stored`, all panels one after the other, has the numbers of `panel`, bit for bit.
  package func agree(with stored: StoredFloats, in panel: Int) -> Bool {
    precondition(stored.count == floatCount, "panels of another shape")
    let start = panel * depth * Self.width
    return stored.withFloats(start..<start + depth * Self.width) { stored in
      var place = 0
      var agree = true
      forEachPiece(of: panel) { piece in
        agree = agree && Self.haveEqualBits(piece, stored.extracting(place..<place + piece.count))
        place += piece.count
      }
      return agree
    }
  }

  private static func haveEqualBits(_ a: Span<Float>, _ b: Span<Float>) -> Bool {
    var differences: UInt32 = 0
    for i in a.indices { differences |= a[i].bitPattern ^ b[i].bitPattern }
    return differences == 0
  }
}
