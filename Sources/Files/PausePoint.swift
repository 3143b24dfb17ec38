import Glibc

/// A place where a test can hold the program while it changes what the program uses; nothing unless the
/// environment asks.
///
/// `DECAF_FAULT_PAUSE=TEXT` and `DECAF_FAULT_PAUSE_FOLDER=FOLDER`: at a place whose name contains TEXT
/// the program makes `FOLDER/paused` and goes on when there is `FOLDER/continue`.
package enum PausePoint {
  /// - Parameter place: the path of an image, or a name: `inputs opened`, `rows recorded`.
  package static func reach(_ place: ByteString) {
    guard let text = getenv("DECAF_FAULT_PAUSE"), let folder = getenv("DECAF_FAULT_PAUSE_FOLDER"),
      place.bytes.contains(Array(String(cString: text).utf8))
    else { return }
    let path = String(cString: folder)
    close(open("\(path)/paused", O_WRONLY | O_CREAT, 0o644))
    while access("\(path)/continue", F_OK) != 0 { usleep(2_000) }
  }

  /// All that a command reads is open, and nothing of it is used yet.
  package static func inputsAreOpen() { reach(ByteString("inputs opened")) }

  /// All rows are recorded, and nothing of them is checked yet.
  package static func rowsAreRecorded() { reach(ByteString("rows recorded")) }
}
