import ArgumentParser
import Foundation

/// Draws labelled images to try decaf on, and writes their lists.
///
/// `FOLDER/images/CLASS/NNN.jpg`, and `train.tsv` and `test.tsv` beside them: a quarter of each class
/// is for testing. A few files are broken on purpose, as in any real collection.
@main
struct DrawCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "DemoImages",
    abstract: "Draw labelled images of textures and shapes, and their lists.",
    discussion: """
      Classes: \(Motif.allCases.map(\.rawValue).joined(separator: ", ")). The same seed draws the \
      same images. Some files are broken on purpose: cut short, empty, of another format, missing.
      """)

  @Argument(help: "The folder to write to; made if missing.")
  var folder: String

  @Option(help: "Draws other images of the same classes.")
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Images in each class.", valueName: "count"))
  var perClass = 40

  func validate() throws {
    guard (4...10_000).contains(perClass) else {
      throw ValidationError("--per-class: found \(perClass), expected 4…10000")
    }
  }

  func run() throws {
    var lists = ["train": "path\tlabel\n", "test": "path\tlabel\n"]
    for motif in Motif.allCases {
      for index in 0..<perClass {
        let path = "images/\(motif)/\(String(format: "%03d", index)).jpg"
        try write(motif.file(seed: seed, index: index), to: path)
        lists[Self.part(index, of: perClass)]! += "\(path)\t\(motif)\n"
      }
    }
    for (number, flaw) in Flaw.allCases.enumerated() {
      let motif = Motif.allCases[number % Motif.allCases.count]
      let path = "images/\(motif)/\(flaw.rawValue).jpg"
      let whole = try motif.file(seed: seed, index: perClass + number)
      if let bytes = flaw.applied(to: whole) { try write(bytes, to: path) }
      lists[number < 4 ? "train" : "test"]! += "\(path)\t\(motif)\n"
    }
    for (part, text) in lists.sorted(by: { $0.key < $1.key }) {
      try write(Array(text.utf8), to: "\(part).tsv")
      let count = text.split(separator: "\n").count - 1
      print("\(folder)/\(part).tsv: \(count) images of \(Motif.allCases.count) classes")
    }
    print("\(Flaw.allCases.count) of them are broken on purpose")
  }

  /// The last quarter of a class is for testing.
  static func part(_ index: Int, of count: Int) -> String {
    index < count - count / 4 ? "train" : "test"
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    let url = URL(fileURLWithPath: folder).appendingPathComponent(path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }
}

/// What is wrong with a file that is broken on purpose.
enum Flaw: String, CaseIterable {
  case cutShort = "cut-short"
  case actuallyGIF = "actually-gif"
  case empty
  case missing
  case cutShorter = "cut-shorter"
  case errorPage = "error-page"

  /// The broken file's bytes; nil when there is no file.
  func applied(to whole: [UInt8]) -> [UInt8]? {
    switch self {
    case .cutShort: Array(whole.prefix(whole.count / 2))
    case .cutShorter: Array(whole.prefix(100))
    case .actuallyGIF:
      // One black pixel.
      Array("GIF89a".utf8) + [1, 0, 1, 0, 0x80, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF]
        + [0x2C, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 1, 0, 0x3B]
    case .empty: []
    case .missing: nil
    case .errorPage: Array("<!DOCTYPE html><title>404 Not Found</title>\n".utf8)
    }
  }
}
