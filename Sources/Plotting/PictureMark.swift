/// What tells a picture or page of this program from any other file: a comment near its beginning.
///
/// Commands replace what they have drawn before, and nothing else.
package enum PictureMark {
  static let comment = "<!-- drawn by decaf -->"

  /// Bytes from the start of a file that show the mark, if it is there.
  package static let reach = 1 << 16

  /// Whether a file that begins with these bytes was drawn by this program.
  package static func isIn(_ beginning: [UInt8]) -> Bool {
    let mark = Array(comment.utf8)
    guard beginning.count >= mark.count else { return false }
    return (0...beginning.count - mark.count).contains { start in
      beginning[start] == mark[0] && beginning[start..<start + mark.count].elementsEqual(mark)
    }
  }
}
