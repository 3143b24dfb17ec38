internal import CKernels

/// Lines of tiles that are worked on together: the rows of their products, for every slot.
///
/// A product has a row for each tile. A point that only large tiles have has fewer rows, so there are
/// four kinds of them: all tiles, the wide ones, the tall ones, and those that are both.
struct WinogradStrip: Sendable {
  /// Lines of tiles, counted over the map.
  let tileRows: Range<Int>
  /// Where the rows start, in floats from the first one of their point, kind after kind; within a kind
  /// slot after slot.
  private let inputRows: [Int32]
  private let outputRows: [Int32]
  private let kinds: [Range<Int>]

  /// - Parameters:
  ///   - rowCut: how the map's height is cut into tiles.
  ///   - columnCut: likewise its width.
  ///   - slots: most images at a time.
  ///   - inputStep: floats from one row to the next of what is multiplied.
  ///   - outputStep: the same of the sums.
  init(
    tileRows: Range<Int>, of rowCut: WinogradScheme.Cut, _ columnCut: WinogradScheme.Cut,
    slots: Int, inputStep: Int, outputStep: Int
  ) {
    let tiles = tileRows.count * columnCut.tiles
    var chosen = [Int]()
    var kinds = [Range<Int>]()
    for (isTall, isWide) in [(false, false), (false, true), (true, false), (true, true)] {
      let first = chosen.count
      chosen += (0..<slots * tiles).filter { tile in
        let (row, column) = (tile % tiles).quotientAndRemainder(dividingBy: columnCut.tiles)
        return (!isTall || tileRows.lowerBound + row < rowCut.large)
          && (!isWide || column < columnCut.large)
      }
      kinds.append(first..<chosen.count)
    }
    self.tileRows = tileRows
    self.kinds = kinds
    inputRows = chosen.map { Int32($0 * inputStep) }
    outputRows = chosen.map { Int32($0 * outputStep) }
  }

  /// Calls `body` with the four kinds of rows, those of the first `count` of all `slots`.
  func withRows(slots count: Int, of slots: Int, _ body: (UnsafePointer<decaf_rows>) -> Void) {
    inputRows.withUnsafeBufferPointer { inputs in
      outputRows.withUnsafeBufferPointer { outputs in
        withUnsafeTemporaryAllocation(of: decaf_rows.self, capacity: kinds.count) { rows in
          for (kind, range) in kinds.enumerated() {
            rows.initializeElement(
              at: kind,
              to: decaf_rows(
                input_rows: inputs.baseAddress! + range.lowerBound,
                output_rows: outputs.baseAddress! + range.lowerBound,
                count: range.count / slots * count))
          }
          body(rows.baseAddress!)
        }
      }
    }
  }
}
