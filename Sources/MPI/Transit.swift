internal import Communication

/// The requests of one message under way, which complete one after the other.
struct Transit {
  private let requests: [Request]
  private var completeCount = 0

  init(_ requests: [Request]) { self.requests = requests }

  /// The part of its requests that have not completed.
  var rest: Double { Double(requests.count - completeCount) / Double(requests.count) }

  /// Moves the message along.
  ///
  /// - Returns: whether any of its requests has completed since the last call, and whether all have.
  mutating func advance(rank: Int) throws(CommunicationError) -> (hasMoved: Bool, isComplete: Bool)
  {
    let before = completeCount
    while completeCount < requests.count, try requests[completeCount].isComplete(rank: rank) {
      completeCount += 1
    }
    return (completeCount > before, completeCount == requests.count)
  }
}
