internal import Communication
internal import Files

/// A granted message that is leaving, piece by piece.
///
/// A few pieces are under way at a time. A library that has all of them moves a little of each in turn,
/// through as much memory of its own, which then lies in no cache.
struct Departure {
  /// Bytes at a fixed address, and what keeps them there.
  typealias Piece = (memory: MemoryBlock, bytes: UnsafeMutableRawBufferPointer)

  let destination: Int
  private var waiting: ArraySlice<Piece>
  private var leaving: ArraySlice<Request> = []

  /// Two: as one is complete, which its sender sees at the next look, another is moving.
  private static let atOnce = 2

  init(_ pieces: [Piece], to destination: Int) {
    waiting = pieces[...]
    self.destination = destination
  }

  /// Whether all pieces have been handed to the library: only then may those of the next message be, as
  /// they arrive in the order in which they are handed over.
  var isHandedOver: Bool { waiting.isEmpty }

  /// Moves the message along.
  ///
  /// - Parameters:
  ///   - isNext: no earlier message to the same rank has pieces that wait.
  ///   - start: begins to send a piece.
  /// - Returns: whether any piece has gone since the last call, and whether all have.
  mutating func advance(
    rank: Int, isNext: Bool, _ start: (Piece) throws -> Request
  ) throws -> (hasMoved: Bool, isComplete: Bool) {
    var hasMoved = false
    while let first = leaving.first, try first.isComplete(rank: rank) {
      leaving.removeFirst()
      hasMoved = true
    }
    while isNext, leaving.count < Self.atOnce, let piece = waiting.popFirst() {
      leaving.append(try start(piece))
      hasMoved = true
    }
    return (hasMoved, waiting.isEmpty && leaving.isEmpty)
  }
}
