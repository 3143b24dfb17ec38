/// What somebody meant who wrote something that is not there.
enum Spelling {
  /// Of `names` the one most like `text`: the start of one alone, or few changes away; nil for none.
  static func nearest(to text: String, among names: [String]) -> String? {
    let text = Array(text.utf8)
    let longer = names.filter { text.count >= 3 && $0.utf8.starts(with: text) }
    if longer.count == 1 { return longer[0] }
    let distances = names.map { (name: $0, changes: changes(text, Array($0.utf8))) }
    guard let best = distances.min(by: { $0.changes < $1.changes }) else { return nil }
    let shorter = min(text.count, best.name.utf8.count)
    return best.changes <= (shorter < 3 ? 0 : max(1, shorter / 3)) ? best.name : nil
  }

  /// Bytes left out, added, changed, or exchanged with the next: the optimal string alignment
  /// distance.
  static func changes(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var twoBefore: [Int] = []
    var before = Array(0...b.count)
    for i in a.indices {
      var row = [i + 1]
      for j in b.indices {
        var least = min(before[j + 1], row[j]) + 1
        least = min(least, before[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          least = min(least, twoBefore[j - 1] + 1)
        }
        row.append(least)
      }
      (twoBefore, before) = (before, row)
    }
    return before[b.count]
  }
}
