import ConvNet
package import Foundation
import Images

/// A folder with a small network, labelled images (some broken) and lists of them.
package struct ExtractionFixture {
  /// Rows of the list.
  package static let rowCount = 23
  /// Rows that cannot be extracted, and how their message begins.
  package static let failures = [
    3: "cannot open", 8: "truncated", 9: "not a JPEG", 15: "empty box", 22: "not a JPEG",
  ]

  package let folder: String
  /// Tab-separated, with a header and boxes.
  package var list: String { "\(folder)/list.tsv" }
  /// conv1 … conv5 with seeded weights, so pool5 is the last layer.
  package var model: String { "\(folder)/model.safetensors" }

  /// Draws the images and writes everything into `folder`.
  package init(in folder: String) throws {
    self.folder = folder
    try FileManager.default.createDirectory(
      atPath: "\(folder)/images", withIntermediateDirectories: true)
    var lines = ["path\tlabel\tx\ty\twidth\theight"]
    for row in 0..<Self.rowCount {
      let path = "images/\(row).jpg"
      if row != 3 { try Data(Self.bytes(row)).write(to: URL(fileURLWithPath: "\(folder)/\(path)")) }
      let box = row == 15 ? "500\t500\t10\t10" : row % 4 == 1 ? "5\t7\t60\t50" : "\t\t\t"
      lines.append("\(path)\t\(["striped", "spotted", "plain"][row % 3])\t\(box)")
    }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: list))
    try Model.generate(architecture: .caffenet, seed: 5, through: "conv5").write(to: model)
  }

  private static func bytes(_ row: Int) throws -> [UInt8] {
    switch row {
    case 9: return Array("GIF89a".utf8)
    case 22: return []
    default: break
    }
    let (width, height) = (90 + row * 11, 70 + row * 7 % 50)
    var pixels: [UInt8] = []
    for y in 0..<height {
      for x in 0..<width {
        let value = row % 3 == 0 ? (x / 5 % 2) * 200 : row % 3 == 1 ? x * y % 251 : 30
        pixels += [UInt8(value), UInt8((value + row * 9) % 256), UInt8(y * 255 / height)]
      }
    }
    let bytes = try JPEGEncoder.encode(RGBImage(width: width, height: height, pixels: pixels))
    return row == 8 ? Array(bytes.prefix(bytes.count / 2)) : bytes
  }

  /// The SHA-256-relevant files of a store: name and bytes, `runs` left out.
  package static func contents(ofStore path: String) throws -> [String: Data] {
    var result: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: path) where name != "runs" {
      result[name] = FileManager.default.contents(atPath: "\(path)/\(name)")
    }
    return result
  }
}
