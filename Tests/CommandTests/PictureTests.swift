import Foundation
import TestSupport
import Testing

/// Pictures that commands draw beside their results.
@Suite struct PictureTests {
  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  @Test func profileDrawsTheTimesOfLayers() throws {
    try withTemporaryFolder { folder in
      let model = try CommandFixture.shared.get().model
      let profile = [
        "profile", "--model", model, "--layer", "pool5", "--batch", "1", "--rounds", "1",
      ]
      for _ in 0..<2 {  // its own picture is replaced
        let run = try Program.decaf.run(profile + ["--output", "\(folder)/layers.svg"])
        #expect(run.status == 0, "\(run.errors)")
      }
      let picture = try text("\(folder)/layers.svg")
      for name in ["conv1", "conv5", "convolutions", "Donahue"] { #expect(picture.contains(name)) }

      try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(folder)/other.svg"))
      let refused = try Program.decaf.run(profile + ["--output", "\(folder)/other.svg"])
      #expect(refused.status == 73 && refused.errors.contains("decaf did not draw it"))
      #expect(try text("\(folder)/other.svg") == "mine")
    }
  }

  /// The counts in the picture are those of the table, whatever the ranks.
  @Test(arguments: [nil, 2]) func predictionsDrawTheirConfusion(ranks: Int?) throws {
    try withTemporaryFolder { folder in
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 700, mean: 0)
      let train = try Program.decaf.run([
        "train", store, "--layer", "fc6", "--C", "1e-4", "--output", "\(folder)/c",
      ])
      try #require(train.status == 0, "\(train.errors)")
      let predict = try Program.decaf.on(ranks: ranks).run([
        "predict", "\(folder)/c", store, "--output", "\(folder)/p.tsv", "--confusion",
        "\(folder)/p.svg",
      ])
      #expect(predict.status == 0, "\(predict.errors)")
      let picture = try text("\(folder)/p.svg")
      var counts: [String: Int] = [:]
      var totals: [String: Int] = [:]
      for line in try text("\(folder)/p.tsv").split(separator: "\n").dropFirst() {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
        counts["\(fields[2]) taken for \(fields[3])", default: 0] += 1
        totals[String(fields[2]), default: 0] += 1
      }
      #expect(counts.count > 4, "some rows are taken for others")
      for (what, count) in counts {
        let label = String(what.prefix { $0 != " " })
        #expect(picture.contains("\(what): \(count) of \(totals[label]!)<"), "\(what)")
      }
    }
  }

  @Test func modelsShowFiltersAndMaps() throws {
    try withTemporaryFolder { folder in
      let fixture = try CommandFixture.shared.get()
      let show = ["model", "show", fixture.model, "--output", "\(folder)/x.svg"]
      let filters = try Program.decaf.run(show)
      #expect(filters.status == 0, "\(filters.errors)")
      #expect(filters.output.contains("96 filters of conv1, 11 × 11"), "\(filters.output)")
      #expect(try text("\(folder)/x.svg").contains("href=\"data:image/jpeg;base64,"))
      let image = ["--image", "\(fixture.folder)/images/0.jpg"]
      for layer in [[], ["--layer", "pool5"]] {
        let maps = try Program.decaf.run(show + image + layer)
        #expect(maps.status == 0, "\(layer): \(maps.errors)")
        #expect(try text("\(folder)/x.svg").contains("black is"))
      }
      let wrong = try Program.decaf.run(show + ["--layer", "pool5"])
      #expect(wrong.status == 64 && wrong.errors.contains("--image"), "\(wrong.errors)")
    }
  }
}
