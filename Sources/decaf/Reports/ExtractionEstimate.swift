internal import Extraction
internal import Files
internal import Foundation

/// What a job will take, told from a short run.
struct ExtractionEstimate {
  let calibration: Calibration
  let rows: Int
  let storeByteCount: Int
  /// The store's folder.
  let output: String

  var text: String {
    let rate = calibration.imagesPerSecond
    let threads = calibration.threadCount
    var lines = [
      String(
        format: "speed       %.1f images/s on this machine (%d thread%@, %d images tried)", rate,
        threads, threads == 1 ? "" : "s", calibration.imageCount),
      "time        \(time(1)) alone, \(time(16)) on 16 machines like it",
    ]
    if let memory = calibration.byteCount {
      let free = HostMemory.availableByteCount.map { ", \(ByteCountText.text($0)) are free here" }
      lines.append("memory      \(ByteCountText.text(memory)) a rank like this one\(free ?? "")")
    }
    if let free = freeByteCount {
      let verdict = free < storeByteCount ? ": TOO LITTLE" : ""
      lines.append(
        "disk        \(ByteCountText.text(storeByteCount)) of \(ByteCountText.text(free)) that are free"
          + verdict)
    }
    return lines.joined(separator: "\n")
  }

  private func time(_ machines: Int) -> String {
    DurationText.text(
      seconds: Double(rows) / calibration.imagesPerSecond / Double(machines))
  }

  /// Of the file system that the store will be in.
  private var freeByteCount: Int? {
    var folder = FileSystem.absolute(output)
    while !FileSystem.isFolder(folder), folder != "/" { folder = FileSystem.folder(of: folder) }
    let values = try? FileManager.default.attributesOfFileSystem(forPath: folder)
    return (values?[.systemFreeSize] as? NSNumber)?.intValue
  }
}
