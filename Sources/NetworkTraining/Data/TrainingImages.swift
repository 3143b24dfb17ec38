package import Files
package import Images
internal import Tensors

/// The images to train or validate on: rows of a list, each with its class.
package struct TrainingImages: Sendable {
  package let list: ImageList
  /// Rows of the list, in order.
  package let rows: [Int]
  /// The class of each.
  package let labels: [Int]

  package var count: Int { rows.count }

  /// Rows of `rows`, by number.
  package func selecting(_ numbers: [Int]) -> TrainingImages {
    TrainingImages(list: list, rows: numbers.map { rows[$0] }, labels: numbers.map { labels[$0] })
  }

  private init(list: ImageList, rows: [Int], labels: [Int]) {
    (self.list, self.rows, self.labels) = (list, rows, labels)
  }

  /// The rows of a list that have a label.
  ///
  /// - Parameter classes: what the labels are called, in the order of the network's outputs.
  /// - Throws: `TrainingError.unknownClass`, or `noImages` when no row has a label.
  package init(_ list: ImageList, classes: [ByteString]) throws(TrainingError) {
    let numbers = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
    var (rows, labels) = ([Int](), [Int]())
    for row in 0..<list.count {
      guard let label = list[row].label else { continue }
      guard let number = numbers[label] else {
        throw .unknownClass(label.description, list: list.path)
      }
      rows.append(row)
      labels.append(number)
    }
    guard !rows.isEmpty else {
      throw .noImages(
        list: list.path, reason: "expected a label for each image, found none")
    }
    self.init(list: list, rows: rows, labels: labels)
  }

  /// The classes of a network's outputs, as a list names them: where every label is a number below
  /// `outputs`, the label is the output's number, as in Caffe's lists; else the list's classes in
  /// their order, as many as there are outputs.
  ///
  /// - Throws: `TrainingError.wrongClassCount`.
  package static func classes(
    of list: ImageList, outputs: Int, layer: String
  ) throws(TrainingError) -> [ByteString] {
    let classes = list.classes
    if classes.count == outputs { return classes }
    let numbers = classes.compactMap { $0.utf8String.flatMap { Int($0) } }
    guard numbers.count == classes.count, numbers.allSatisfy({ (0..<outputs).contains($0) }) else {
      throw .wrongClassCount(layer: layer, outputs: outputs, classes: classes.count)
    }
    return (0..<outputs).map { ByteString("\($0)") }
  }

  /// A share of the images of every class, drawn from the seed, and the others.
  package func split(_ fraction: Double, seed: UInt64) -> (
    rest: TrainingImages, part: TrainingImages
  ) {
    var ofClass = [Int: [Int]]()
    for (number, label) in labels.enumerated() { ofClass[label, default: []].append(number) }
    var chosen = Set<Int>()
    for (label, numbers) in ofClass {
      var generator = SeededGenerator(seed: seed, stream: ~UInt64(label))
      let count = Int((Double(numbers.count) * fraction).rounded())
      chosen.formUnion(Self.shuffled(numbers, &generator).prefix(min(count, numbers.count - 1)))
    }
    return (
      selecting((0..<count).filter { !chosen.contains($0) }),
      selecting((0..<count).filter(chosen.contains))
    )
  }

  /// The order of an epoch's images, as numbers of `rows`, drawn from seed and epoch.
  package func order(epoch: Int, seed: UInt64) -> [Int] {
    var generator = SeededGenerator(seed: seed, stream: UInt64(epoch))
    return Self.shuffled(Array(0..<count), &generator)
  }

  /// Every order as probable as any (Durstenfeld 1964).
  private static func shuffled(_ numbers: [Int], _ generator: inout SeededGenerator) -> [Int] {
    var numbers = numbers
    for i in stride(from: numbers.count - 1, to: 0, by: -1) {
      numbers.swapAt(i, Int(generator.uniform() * Double(i + 1)))
    }
    return numbers
  }
}
