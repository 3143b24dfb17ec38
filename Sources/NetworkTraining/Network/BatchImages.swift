/// The images of a batch: whose labels count, and which a rank computes.
struct BatchImages: Sendable {
  /// Of each image; nil for one that could not be read.
  var labels: [Int?]
  /// The streams of random draws, of each image.
  var streams: [UInt64]
  /// Images of the rank.
  let own: Range<Int>
  var isTraining: Bool

  init(labels: [Int?], streams: [UInt64], isTraining: Bool, rank: Int, size: Int) {
    precondition(labels.count == streams.count, "images of two counts")
    (self.labels, self.streams, self.isTraining) = (labels, streams, isTraining)
    own = TrainedNetwork.ownImages(labels.count, rank: rank, size: size)
  }

  var count: Int { labels.count }

  /// All of them, as layers behind the maps see them.
  var wholeSet: ImageSet { images(0..<count, isWhole: true) }
  /// The rank's own.
  var ownSet: ImageSet { images(own, isWhole: false) }

  private func images(_ range: Range<Int>, isWhole: Bool) -> ImageSet {
    let size = TrainedNetwork.blockImages
    let blocks = stride(from: 0, to: range.count, by: size).map {
      $0..<min($0 + size, range.count)
    }
    return ImageSet(
      count: range.count, streams: Array(streams[range]), blocks: blocks,
      blockCount: (count + size - 1) / size, isWholeBatch: isWhole, isTraining: isTraining)
  }
}
