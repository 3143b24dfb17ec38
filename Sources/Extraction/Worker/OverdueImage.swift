package import Files

/// An image is being decoded for longer than `--image-timeout`.
package struct OverdueImage: ErrorWithStatus, CustomStringConvertible {
  let row: Int
  let location: ByteString
  let seconds: Double

  package var description: String {
    """
    row \(row), \(location): has been decoded for more than \(seconds.formatted()) s \
    (--image-timeout); what was finished is recorded; the same command tries the images in hand each \
    in a process of its own, and fails those that take as long again
    """
  }

  package var exitStatus: ExitStatus { .stoppedEarly }
}

extension WorkerPipeline {
  /// - Parameter limit: seconds.
  /// - Throws: `OverdueImage` when an image has been in hand for longer: its thread may never come back,
  ///   so the process has to end.
  func requireProgress(_ limit: Double) throws(OverdueImage) {
    guard let image = overdue(limit) else { return }
    throw OverdueImage(row: image.row, location: image.location, seconds: limit)
  }
}

extension Double {
  /// Without a fraction where there is none.
  func formatted() -> String {
    self == rounded() && abs(self) < 1e9 ? String(Int(self)) : String(self)
  }
}
