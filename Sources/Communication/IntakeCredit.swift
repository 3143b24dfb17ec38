/// Which of the long messages that others have announced may come to a rank now.
///
/// In the order in which they were announced, and no message before an earlier one of the same rank: it
/// could not be received before that, and would keep the memory that the earlier one needs. A value that
/// is made anew for each look.
package struct IntakeCredit {
  /// Bytes of messages that were granted, or have arrived, and that nobody has taken yet.
  package private(set) var held: Int
  /// Of these, bytes that are on their way and come.
  private var moving: Int
  /// Granted messages that have not arrived, by rank.
  package private(set) var underWay: [Int: Int]
  private var isFull = false
  /// Ranks with a message that has to wait.
  private var waiting: Set<Int> = []

  /// The memory that messages may take of this rank.
  static let most = 128 << 20
  /// Bytes that are granted and come: some to fill a network, and as many again of ranks that share cores
  /// and look at what they have been granted only after a sleep, or when it is their turn. With less, a
  /// receiver of 63 ranks on two cores waits for them (16 MB: a tenth slower, 8 MB: a third); more senders
  /// that move at once would take its core from it.
  static let mostMoving = 64 << 20
  /// What has not moved for so long waits for a network, or for a rank that is slow or gone, and does not
  /// count as moving: it must not keep the others from coming.
  package static let patience = Duration.milliseconds(20)
  /// Messages of a rank that are under way at a time: the next moves as soon as the last one has.
  static let mostOfRank = 2

  package init(held: Int, moving: Int, underWay: [Int: Int]) {
    self.held = held
    self.moving = moving
    self.underWay = underWay
  }

  /// Whether the next message in the order of announcements is granted: it then counts as moving.
  package mutating func grant(_ byteCount: Int, from rank: Int) -> Bool {
    // Later ones wait for one that has no room: small messages would keep a large one from it for ever.
    if isFull || waiting.contains(rank) { return false }
    if underWay[rank, default: 0] >= Self.mostOfRank {
      waiting.insert(rank)
      return false
    }
    let fits =
      held == 0
      || held + byteCount <= Self.most && (moving == 0 || moving + byteCount <= Self.mostMoving)
    guard fits else {
      isFull = true
      return false
    }
    held += byteCount
    moving += byteCount
    underWay[rank, default: 0] += 1
    return true
  }
}
