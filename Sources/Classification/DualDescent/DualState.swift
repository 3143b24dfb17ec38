/// All that dual descent knows between two rounds: with the rows, it decides everything after.
struct DualState: Sendable, Equatable {
  var classes: [DualClass]
  var level = 0
  var rounds = 0
  var roundsOfLevel = 0
  var passes = 1

  init(classes: [DualClass]) { self.classes = classes }

  /// Classes that are worked on; of two, the second is the first's mirror image.
  var solvedCount: Int { classes.count == 2 ? 1 : classes.count }

  var open: [Int] { (0..<solvedCount).filter { classes[$0].status == .open } }

  /// Makes the second of two classes what the first says it is.
  mutating func reflect() {
    if solvedCount == 1 { classes[1] = classes[0].mirrored }
  }
}

// MARK: Checkpoints

extension DualState {
  var record: CheckpointRecord {
    var record = CheckpointRecord()
    record.counts = [
      "progress": [level, rounds, roundsOfLevel, passes], "rows": classes.flatMap(\.rows),
    ]
    record.numbers = [
      "classes": classes.flatMap(\.numbers), "alphas": classes.flatMap(\.alphas),
    ]
    return record
  }

  /// The state that a record was made of.
  ///
  /// - Parameter rowCount: of the source.
  init(_ record: CheckpointRecord, classCount: Int, rowCount: Int, levelCount: Int) throws {
    let progress = try record.counts("progress", 4)
    let rows = try record.counts("rows")
    let alphas = try record.numbers("alphas", rows.count)
    let size = DualClass.numberCount
    let numbers = try record.numbers("classes", classCount * size)
    guard progress.allSatisfy({ $0 >= 0 }), progress[0] < levelCount,
      rows.allSatisfy({ 0..<rowCount ~= $0 })
    else { throw CheckpointRecord.MissingEntry(name: "progress") }
    var classes: [DualClass] = []
    var next = 0
    for k in 0..<classCount {
      let part = numbers[k * size..<(k + 1) * size]
      guard let count = Int(exactly: part.last!), count >= 0, count <= rows.count - next,
        let one = DualClass(
          numbers: part, rows: rows[next..<next + count], alphas: alphas[next..<next + count])
      else { throw CheckpointRecord.MissingEntry(name: "classes") }
      classes.append(one)
      next += count
    }
    self.classes = classes
    (level, rounds, roundsOfLevel, passes) = (progress[0], progress[1], progress[2], progress[3])
  }
}
