import Foundation
import TestSupport
import Testing

/// The same images by every kind of list, in every format, through the whole program.
@Suite struct ListKindsTests {
  /// Six images of three formats in `folder/images`: their paths and labels.
  private static func images(in folder: String) throws -> [(path: String, label: String)] {
    let fixture = try CommandFixture.shared.get()
    try FileManager.default.createDirectory(
      atPath: "\(folder)/images", withIntermediateDirectories: true)
    var files: [[UInt8]] = []
    for row in [0, 1] {
      files.append(
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(fixture.folder)/images/\(row).jpg"))))
    }
    var drawn = DrawnPNG(colorType: 6, depth: 16)
    (drawn.width, drawn.height, drawn.isInterlaced) = (70, 50, true)
    files += [drawn.file(), WebPFixture.all[0].file, WebPFixture.all[4].file]
    // Names tell nothing.
    return try files.enumerated().map { row, bytes in
      let path = "images/\(row).\(["png", "webp", "jpg"][row % 3])"
      try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(path)"))
      return (path, "class \(row % 2)")
    }
  }

  private static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  @Test func everyKindOfListGivesTheSameFeatures() throws {
    try withTemporaryFolder { folder in
      let images = try Self.images(in: folder)
      let tsv = "path\tlabel\n" + images.map { "\($0.path)\t\($0.label)\n" }.joined()
      let jsonl = images.map { #"{"path": "\#($0.path)", "label": "\#($0.label)"}"# + "\n" }
        .joined()
      let members = try images.enumerated().flatMap { row, image in
        [
          (
            "\(row).\(image.path.split(separator: ".")[1])",
            try Self.bytes("\(folder)/\(image.path)")
          ),
          ("\(row).cls", Array(image.label.utf8)),
        ]
      }
      let lists: [(String, [UInt8])] = [
        ("l.tsv", Array(tsv.utf8)), ("l.jsonl", Array(jsonl.utf8)),
        ("s-0.tar", tarBytes(Array(members[..<4]))), ("s-1.tar", tarBytes(Array(members[4...]))),
      ]
      for (name, bytes) in lists {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      }
      var features: [Data] = []
      func extract(_ list: String, ranks: Int?, input: [UInt8] = []) throws -> [String: Data] {
        let store = "\(folder)/\(features.count).store"
        let program = ranks.map { Program.decaf.on(ranks: $0) } ?? Program.decaf
        let command = try CommandFixture.extract(store, list: list, "--root", folder)
        let run = try program.run(command, input: input)
        #expect(run.status == 0, "\(list): \(run.errors)")
        // The same command again finds the same list.
        let again = try program.run(command, input: input)
        #expect(again.output.contains("is complete already: 5 rows, 0 failed"), "\(again.output)")
        let contents = try ExtractionFixture.contents(ofStore: store)
        features.append(contents["pool5.npy"] ?? Data())
        let rows = String(decoding: contents["rows.tsv"] ?? Data(), as: UTF8.self)
        #expect(rows.components(separatedBy: "\tclass 1\tok\t").count == 3, "\(list): \(rows)")
        return contents
      }
      let table = try extract("\(folder)/l.tsv", ranks: nil)
      #expect(try extract("-", ranks: nil, input: Array(tsv.utf8)) == table)
      #expect(try extract("-", ranks: 2, input: Array(tsv.utf8)) == table)
      _ = try extract("\(folder)/l.jsonl", ranks: 2)
      let shards = try extract("\(folder)/s-{0..1}.tar", ranks: nil)
      #expect(try extract("\(folder)/s-{0..1}.tar", ranks: 3) == shards)
      #expect(!features[0].isEmpty && features.allSatisfy { $0 == features[0] })
    }
  }

  /// A file's crop is taken as it is; a preset's follows the network.
  @Test func aTransformOfAnotherSizeIsRefused() throws {
    try withTemporaryFolder { folder in
      let file = try writeTestFile(
        Array(
          """
          name: mine
          resize: {mode: warp, width: 256, height: 256, filter: bilinear}
          crop: 224
          channels: bgr
          scale: 1
          mean: [104, 117, 123]
          """.utf8), "mine.yaml", in: folder)
      let run = try Program.decaf.run(
        try CommandFixture.extract("\(folder)/store", "--preprocess", file))
      #expect(run.errors.contains("crop 224; expected 227"), "\(run.errors)")
      #expect(run.status == 64)
    }
  }

  @Test func aTransformThatIsNotTheNetworksIsWarnedOf() throws {
    try withTemporaryFolder { folder in
      func errors(_ options: String...) throws -> String {
        let run = try Program.decaf.run(
          try CommandFixture.extract("\(folder)/store", "--overwrite") + options)
        #expect(run.status == 0, "\(run.errors)")
        return run.errors
      }
      let warning = "THE INPUT TRANSFORM IS NOT THE NETWORK'S"
      let loud = try errors("--preprocess", "torchvision")
      #expect(loud.contains(warning) && loud.contains("channels: expected bgr, found rgb"))
      #expect(!(try errors("--preprocess", "caffe-cpp").contains(warning)))
      #expect(!(try errors().contains(warning)))
    }
  }

  @Test(arguments: ["caffe-cpp", "pycaffe", "decaf-release"])
  func profilesAreBatchAndRankInvariant(profile: String) throws {
    try withTemporaryFolder { folder in
      let stores = try [(nil, "1"), (2, "4")].enumerated().map { number, way in
        let store = "\(folder)/\(number).store"
        let program = way.0.map { Program.decaf.on(ranks: $0) } ?? Program.decaf
        let run = try program.run(
          try CommandFixture.extract(store, "--preprocess", profile, "--batch", way.1))
        #expect(run.status == 0, "\(run.errors)")
        return try ExtractionFixture.contents(ofStore: store)
      }
      #expect(stores[0] == stores[1])
      #expect(String(decoding: stores[0]["store.json"] ?? Data(), as: UTF8.self).contains(profile))
    }
  }
}
