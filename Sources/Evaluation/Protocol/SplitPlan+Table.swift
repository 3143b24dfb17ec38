internal import FeatureStore
internal import Files
internal import Images

extension SplitPlan {
  /// The order of every row in every split, as tab-separated text.
  var table: [UInt8] {
    var text = Array("split\tstore\tclass\tplace\trow\tpath\n".utf8)
    for split in 0..<evaluation.splitCount {
      for role in evaluation.roles {
        guard roles.contains(role), let store = stores[role] else { continue }
        for (label, rows) in order(role, split: split).enumerated() {
          for (place, row) in rows.enumerated() {
            text += "\(split)\t".utf8
            FieldEscape.append(role.utf8, to: &text)
            text.append(UInt8(ascii: "\t"))
            FieldEscape.append(classes[label].bytes, to: &text)
            text += "\t\(place)\t\(row)\t".utf8
            FieldEscape.append(store.rows[row].path.bytes, to: &text)
            text.append(UInt8(ascii: "\n"))
          }
        }
      }
    }
    return text
  }
}
