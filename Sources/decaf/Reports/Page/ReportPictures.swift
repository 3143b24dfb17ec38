internal import FeatureStore
internal import Files
internal import Plotting
internal import Tensors

/// The small pictures of one page, as long as there is room for them.
final class ReportPictures {
  private let options: ThumbnailOptions
  private let team: ThreadTeam
  private var left: Int

  init(_ options: ThumbnailOptions, team: ThreadTeam) {
    (self.options, self.team) = (options, team)
    left = options.byteLimit
  }

  /// A picture for each path, in order, until the page's room is used up.
  ///
  /// - Parameter store: the one that the paths are of; nil where no store is known to have them.
  func thumbnails(_ paths: [ByteString], of store: Store?) -> [Thumbnail] {
    let recordedRoot = store?.recordedRoot
    let room = min(paths.count, left / ThumbnailOptions.typicalSize + 1)
    let made =
      left <= 0
      ? []
      : team.map(room) { [options] index, _ in
        ThumbnailOptions.thumbnail(options.location(of: paths[index], recordedRoot))
      }
    return paths.indices.map { index in
      guard index < made.count else { return .leftOut }
      if made[index].address.utf8.count > left { return .leftOut }
      left -= made[index].address.utf8.count
      return made[index]
    }
  }

  /// What stands for an image in a line of pictures.
  struct Item {
    let path: ByteString
    let label: String
    let note: String
    var isOther = false
  }

  /// Lines of pictures; one that has no picture says why.
  func lines(
    _ lines: [[Item]], of store: Store?, isFirstApart: Bool = true
  ) -> ReportBlock {
    var found = thumbnails(lines.flatMap { $0.map(\.path) }, of: store)[...]
    return .pictures(
      lines.map { line in
        line.map { item in
          let thumbnail = found.removeFirst()
          let note = thumbnail.reason.map { reason in
            item.note.isEmpty ? reason : "\(item.note); \(reason)"
          }
          return ContactSheet.Cell(
            image: thumbnail.address, name: item.path.description, label: item.label,
            note: note ?? item.note, isOther: item.isOther)
        }
      }, isFirstApart: isFirstApart)
  }
}
