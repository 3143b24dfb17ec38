import Files
import Foundation
import Images
import TestSupport
import Testing

@testable import decaf

/// `decaf report`: what is on the page, and what it says of what is not.
@Suite struct ReportTests {
  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: path, encoding: .utf8)
  }

  /// A store of the fixture's images, of which five fail.
  private func store(in folder: String) throws -> String {
    let store = "\(folder)/images.store"
    let run = try Program.decaf.on(ranks: 2).run(try CommandFixture.extract(store))
    try #require(run.status == 0, "\(run.errors)")
    return store
  }

  private func headings(_ html: String) -> [String] {
    html.components(separatedBy: "<h2>").dropFirst().map {
      String($0.prefix { $0 != "<" })
    }
  }

  @Test func storesTellHowTheyCameToBe() throws {
    try withTemporaryFolder { folder in
      let store = try store(in: folder)
      let page = "\(folder)/page.html"
      let run = try Program.decaf.run(["report", store, "--output", page, "--threads", "2"])
      #expect(run.status == 0, "\(run.errors)")
      let html = try text(page)
      #expect(
        headings(html) == [
          "Provenance", "Throughput", "Time by layer", "Failures", "Classes",
          "Nearest neighbors by pool5", "Not on this page",
        ])
      for part in [
        "a store, complete", "Run 1: images a second", "Run 1 by rank", "5 images of 23 failed",
        "cannot open the file", "cannot be read now", "no picture in the file", "striped",
        "conv1", "decaf predict", "decaf evaluate", ".history.tsv", "decaf train",
      ] { #expect(html.contains(part), "\(part)") }
      // Twelve queries and their neighbours, and the failed image that has a picture all the same: its
      // box was empty.
      let images = html.components(separatedBy: "<img ").count - 1
      #expect(images == 12 * 9 + 1)
      // The same again, with other threads, in its own place.
      let again = try Program.decaf.run(["report", store, "--output", page, "--threads", "1"])
      #expect(again.status == 0, "\(again.errors)")
      #expect(try text(page) == html)
      let bare = try Program.decaf.run(["report", store, "-o", page, "--thumbnails", "0"])
      #expect(bare.status == 0, "\(bare.errors)")
      #expect(try !text(page).contains("<img "))
      #expect(try text(page).contains("beyond --thumbnails"))
    }
  }

  @Test func resultsComeTogether() throws {
    try withTemporaryFolder { folder in
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 400, mean: 0)
      let train = try Program.decaf.run([
        "train", store, "--layer", "fc6", "--C", "1e-4", "--output", "\(folder)/c",
      ])
      try #require(train.status == 0, "\(train.errors)")
      let predict = try Program.decaf.run([
        "predict", "\(folder)/c", store, "--output", "\(folder)/p.tsv", "--scores", "--confusion",
        "\(folder)/p.svg",
      ])
      try #require(predict.status == 0, "\(predict.errors)")
      let history = "\(folder)/net.history.tsv"
      let lines = [
        "epoch\titeration\trate\tloss\taccuracy\tvalidation_loss\tvalidation_accuracy",
        "1\t10\t0.01\t2.5\t0.125\t2.25\t0.25", "2\t20\t0.01\tnan\t0.5\t\t",
      ]
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(
        to: URL(fileURLWithPath: history))
      let page = "\(folder)/page.html"
      let run = try Program.decaf.run([
        "report", "\(folder)/p.tsv", history, "\(folder)/c", store, "--output", page,
      ])
      #expect(run.status == 0, "\(run.errors)")
      let html = try text(page)
      #expect(
        headings(html) == [
          "Provenance", "Failures", "Classes", "Nearest neighbors by fc6", "Predictions: p.tsv",
          "Confusion: p.tsv", "Training: net", "Classifier: c", "Not on this page",
        ])
      // Counts are those of decaf predict's own picture.
      let picture = try text("\(folder)/p.svg")
      let tips = picture.components(separatedBy: "<title>").filter { $0.contains(" taken for ") }
      #expect(tips.count > 4)
      for tip in tips { #expect(html.contains(tip.prefix { $0 != "<" }), "\(tip)") }
      for part in [
        "No image failed.", "has no records of runs", "relative gap", "net: accuracy by epoch",
        "net: loss by epoch", "50.0 %", "mean over the classes",
      ] { #expect(html.contains(part), "\(part)") }
    }
  }

  @Test func namesAreNoMarkup() throws {
    try withTemporaryFolder { folder in
      let (name, label) = ("<img src=x onerror=a>.jpg", "</style><script>a</script>")
      let fixture = try CommandFixture.shared.get()
      try FileManager.default.copyItem(
        atPath: "\(fixture.folder)/images/0.jpg", toPath: "\(folder)/\(name)")
      let lines = ["path\tlabel", "\(name)\t\(label)", "gone<b>.jpg\t\(label)", "\(name)\tb"]
      try Data((lines.joined(separator: "\n") + "\n").utf8).write(
        to: URL(fileURLWithPath: "\(folder)/list.tsv"))
      let extract = try Program.decaf.run(
        try CommandFixture.extract("\(folder)/s", list: "\(folder)/list.tsv"))
      try #require(extract.status == 0, "\(extract.errors)")
      let run = try Program.decaf.run(["report", "\(folder)/s", "-o", "\(folder)/page.html"])
      #expect(run.status == 0, "\(run.errors)")
      let html = try text("\(folder)/page.html")
      for tag in ["<script", "<img src=x", "<b>.jpg"] { #expect(!html.contains(tag), "\(tag)") }
      #expect(html.contains("&lt;img src=x onerror=a&gt;.jpg"))
      #expect(html.contains("&lt;/style&gt;&lt;script&gt;a"))
    }
  }

  @Test func whatIsNoSourceIsRefused() throws {
    try withTemporaryFolder { folder in
      let page = "\(folder)/page.html"
      func write(_ text: String, _ name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        return "\(folder)/\(name)"
      }
      let list = try write("a.jpg 1\n", "list.txt")
      let broken = try write("row\tpath\tlabel\tpredicted\tscore\n0\ta.jpg\n", "p.tsv")
      for (source, words) in [
        (list, "decaf info"), (broken, "line 2"), (folder, "decaf info"),
        ("\(folder)/none", "\(folder)/none"), (try CommandFixture.shared.get().model, "history"),
      ] {
        let run = try Program.decaf.run(["report", source, "--output", page])
        #expect(run.status == 65 && run.errors.contains(words), "\(source): \(run.errors)")
      }
      let store = try CommandFixture.unevenStore(in: folder, rowCount: 8, mean: 0)
      let layer = try Program.decaf.run(["report", store, "--layer", "fc9", "--output", page])
      #expect(layer.status == 64 && layer.errors.contains("fc9"), "\(layer.errors)")
      let ending = try Program.decaf.run(["report", store, "--output", "\(folder)/page.svg"])
      #expect(ending.status == 64 && ending.errors.contains(".html"), "\(ending.errors)")
      let mine = try write("mine", "mine.html")
      let other = try Program.decaf.run(["report", store, "--output", mine])
      #expect(other.status == 73 && other.errors.contains("decaf did not draw it"))
      #expect(try text(mine) == "mine")
      #expect(!FileManager.default.fileExists(atPath: page))
    }
  }

  /// Pieces of a file end anywhere; lines do not.
  @Test func linesAreReadAcrossPieces() throws {
    try withTemporaryFolder { folder in
      let expected = (0..<3000).map { String(repeating: "x", count: $0 % 1777) + "\($0)" }
      for ending in ["\n", ""] {
        try Data((expected.joined(separator: "\n") + ending).utf8).write(
          to: URL(fileURLWithPath: "\(folder)/t"))
        var lines = TableLines(try MappedFile("\(folder)/t"))
        var found: [String] = []
        while let line = lines.next() { found.append(String(decoding: line, as: UTF8.self)) }
        #expect(found == expected && lines.count == 3000)
      }
    }
  }

  @Test func predictionsAreCountedByClass() throws {
    try withTemporaryFolder { folder in
      let rows = [
        "10\t2", "10\t10", "2\t10", "2\t10", "\t2", "2\t", "9\t9",
      ].enumerated().map { "\($0)\t\($0)\\t.jpg\t\($1)\t1.5" }
      let table = "row\tpath\tlabel\tpredicted\tscore\n" + rows.joined(separator: "\n") + "\n"
      try Data(table.utf8).write(to: URL(fileURLWithPath: "\(folder)/p.tsv"))
      let record = try PredictionRecord(try MappedFile("\(folder)/p.tsv"))
      // Class order is that of numbers where all are numbers.
      #expect(record.classes.map(\.description) == ["2", "9", "10"])
      #expect(record.totals == [2, 1, 2] && record.correct == [0, 1, 1])
      #expect(record.rowCount == 7 && record.predictedCount == 6 && record.labelledCount == 5)
      #expect(record.confusion == [0, 0, 2, 0, 1, 0, 1, 0, 1])
      #expect(record.mistakes.map(\.count) == [2, 1])
      #expect(record.mistakes[0].examples.map(\.path.description) == ["2\t.jpg", "3\t.jpg"])
      #expect(record.rightExamples.map { $0?.row } == [nil, 6, 1])
    }
  }
}
