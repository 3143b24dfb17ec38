import Foundation
import FoundationXML
import Testing

@testable import Plotting

/// Counts the elements of an XML text, and fails when it is not well-formed.
private final class ElementCounter: NSObject, XMLParserDelegate {
  var counts: [String: Int] = [:]
  var texts = ""

  init?(_ text: String) {
    super.init()
    let parser = XMLParser(data: Data(text.utf8))
    parser.delegate = self
    if !parser.parse() { return nil }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) { counts[name, default: 0] += 1 }

  func parser(_ parser: XMLParser, foundCharacters text: String) { texts += text }
}

@Suite struct LearningCurveTests {
  static let curve = LearningCurve(
    title: "A & B <c>", xLabel: "n", yLabel: "accuracy",
    series: [
      .init(
        name: "fc6 softmax",
        points: [.init(x: 1, y: 31, deviation: 2), .init(x: 30, y: 84.25, deviation: 1.5)],
        references: [.init(x: 30, y: 84.3, deviation: 1.6)]),
      .init(name: "fc6 \"hinge\"", points: [.init(x: 1, y: 30, deviation: nil)]),
    ])

  @Test func everyPointAndBarIsDrawn() throws {
    let found = try #require(ElementCounter(Self.curve.svg))
    // Two points and a reference of the first series, two legend entries, one for “published”.
    #expect(found.counts["circle"] == 2 + 1 + 1 + 1)
    #expect(found.counts["polygon"] == 1 + 1)
    #expect(found.counts["polyline"] == 4)
    #expect(found.texts.contains("A & B <c>") && found.texts.contains("fc6 \"hinge\""))
    #expect(found.texts.contains("fc6 softmax, 30: 84.25 ± 1.5"))
    #expect(found.texts.contains("published, 30: 84.3 ± 1.6"))
  }

  @Test func drawingIsTheSameEveryTime() {
    #expect(Self.curve.svg == Self.curve.svg)
    #expect(Self.curve.svg.hasSuffix("</svg>\n"))
  }

  /// A published number's deviation is seen as ours is: a bar with its two ends.
  @Test func publishedDeviationsAreDrawn() throws {
    func lines(_ deviation: Double?) throws -> Int {
      let curve = LearningCurve(
        title: "", xLabel: "", yLabel: "",
        series: [
          .init(
            name: "a", points: [.init(x: 1, y: 50, deviation: nil)],
            references: [.init(x: 1, y: 52, deviation: deviation)])
        ])
      return try #require(ElementCounter(curve.svg)).counts["line"]!
    }
    #expect(try lines(1.6) == lines(nil) + 3)
  }

  @Test func onePointIsEnough() throws {
    let curve = LearningCurve(
      title: "", xLabel: "", yLabel: "",
      series: [.init(name: "a", points: [.init(x: 1, y: 100, deviation: 0)])])
    #expect(ElementCounter(curve.svg) != nil && !curve.svg.contains("nan"))
  }
}

@Suite struct ConfusionMatrixTests {
  @Test func cellsThatAreNotZeroAreDrawn() throws {
    let matrix = ConfusionMatrix(
      title: "t", classes: ["a", "b&"], counts: [9, 1, 0, 12])
    let found = try #require(ElementCounter(matrix.svg))
    #expect(found.counts["rect"] == 1 + 3 + 20)
    #expect(found.texts.contains("a taken for b&: 1 of 10"))
    #expect(found.texts.contains("b& taken for b&: 12 of 12"))
  }

  @Test func manyClassesAndEmptyRowsAreDrawn() throws {
    for k in [1, 20, 102, 397] {
      let matrix = ConfusionMatrix(
        title: "t", classes: (0..<k).map { "class \($0)" },
        counts: [Int](repeating: 0, count: k * k))
      #expect(ElementCounter(matrix.svg) != nil)
    }
  }

  @Test func longNamesAreShortenedBesideTheMatrixAndWholeInTips() throws {
    let name = String(repeating: "long_", count: 30)
    let svg = ConfusionMatrix(title: "t", classes: [name, "b"], counts: [1, 0, 0, 1]).svg
    #expect(svg.contains("\(name) taken for \(name): 1 of 1"))
    #expect(try #require(Double(svg.split(separator: "\"")[3])) < 420)
  }

  @Test func shadesRunFromWhiteToBlue() {
    #expect(ConfusionMatrix.shade(0) == "#ffffff")
    #expect(ConfusionMatrix.shade(1) == "#084594")
    #expect(ConfusionMatrix.shade(7) == "#084594")
  }
}

@Suite struct ScatterPlotTests {
  static func plot(groups: Int, panels: Int = 1, marks: [String] = []) -> ScatterPlot {
    let places = (0..<3 * groups).map { (x: Double($0 / 3), y: Double($0 % 3)) }
    return ScatterPlot(
      title: "t",
      panels: (0..<panels).map {
        .init(title: "panel \($0)", xLabel: "x", yLabel: "y", places: places)
      },
      points: (0..<3 * groups).map { i in
        .init(
          group: i / 3, mark: marks.isEmpty ? 0 : i % marks.count,
          tip: "\(i / 3)/\(i % 3).jpg </script>")
      },
      groups: (0..<groups).map { "class \($0) <" }, marks: marks)
  }

  @Test(arguments: [1, 26, 27, 101, 397])
  func everyPointAndNameIsDrawn(groups: Int) throws {
    let found = try #require(ElementCounter(Self.plot(groups: groups, panels: 2).svg))
    let marks = (found.counts["circle"] ?? 0) + (found.counts["polygon"] ?? 0)
    #expect(marks == 6 * groups + groups)
    #expect(found.texts.contains("\(groups - 1)/2.jpg"))
    #expect(found.texts.contains("class \(groups - 1) <") && found.texts.contains("panel 1"))
  }

  /// Without colours, neighbours in the list still differ.
  @Test func colourAndShapeChangeTogether() {
    let plot = Self.plot(groups: 84)
    let styles = (0..<84).map { plot.style(group: $0, mark: 0) }
    let names = styles.map { "\($0.marker) \($0.color) \($0.isHollow)" }
    #expect(Set(names).count == 84)
    #expect(
      zip(styles, styles.dropFirst()).allSatisfy { $0.marker != $1.marker && $0.color != $1.color })
    let domains = Self.plot(groups: 10, marks: ["amazon", "webcam"])
    #expect(domains.style(group: 3, mark: 1).marker == domains.style(group: 5, mark: 1).marker)
    #expect(ElementCounter(domains.svg)?.texts.contains("webcam") == true)
  }

  /// Texts of the legend end before the next column begins, and before the picture does.
  @Test(arguments: [5, 30, 101, 397]) func namesDoNotTouch(groups: Int) throws {
    let names = (0..<groups).map { "a_rather_long_name_of_a_class_\($0)" }
    let places = (0..<groups).map { (x: Double($0), y: 0.0) }
    let svg = ScatterPlot(
      title: "t", panels: [.init(title: "t", xLabel: "x", yLabel: "", places: places)],
      points: (0..<groups).map { .init(group: $0, tip: "") }, groups: names
    ).svg
    let width = try #require(Double(svg.split(separator: "\"")[3]))
    var texts: [(x: Double, y: Double, end: Double)] = []
    for line in svg.split(separator: "\n") where line.hasPrefix("<text") && line.contains("_") {
      let fields = line.split(separator: "\"")
      let name = line.split(separator: ">")[1].prefix { $0 != "<" }
      let (x, y) = (Double(fields[1])!, Double(fields[3])!)
      // Letters of Helvetica are half as wide as high, on average.
      texts.append((x, y, x + 0.5 * Double(fields[7])! * Double(name.count)))
    }
    #expect(texts.count == groups)
    for text in texts {
      #expect(text.end <= width)
      let next = texts.filter { $0.y == text.y && $0.x > text.x }.map(\.x).min()
      #expect(text.end <= (next ?? .infinity) - 11, "a name runs into the next mark")
    }
  }

  @Test func longNamesKeepTheirEnds() {
    let name = "a very long name of a class that ends in numbers 17"
    let short = ScatterLegend.shortened(name, to: 26)
    #expect(short.count == 26 && short.hasPrefix("a very long name") && short.hasSuffix("17"))
    #expect(ScatterLegend.shortened("short", to: 26) == "short")
  }

  @Test func pageHoldsItsDataAndNoMarkupOfPaths() throws {
    let page = ScatterPage(Self.plot(groups: 3, panels: 2)).html
    #expect(PictureMark.isIn(Array(page.utf8.prefix(PictureMark.reach))))
    #expect(!page.contains(".jpg </script>"))
    let start = try #require(page.range(of: "id=\"data\">")).upperBound
    let end = try #require(page.range(of: "</script>", range: start..<page.endIndex)).lowerBound
    let data = try JSONSerialization.jsonObject(with: Data(page[start..<end].utf8))
    let object = try #require(data as? [String: Any])
    #expect((object["points"] as? [Any])?.count == 9 && (object["panels"] as? [Any])?.count == 2)
    #expect(!page.contains("http"))
  }
}

@Suite struct SVGNumberTests {
  @Test(arguments: [
    (0.0, "0"), (-0.001, "0"), (1.5, "1.5"), (1.25, "1.25"), (-2.05, "-2.05"), (3.999, "4"),
    (100, "100"), (0.1 + 0.2, "0.3"),
  ])
  func numbersHaveAtMostTwoDecimals(value: Double, text: String) {
    #expect(SVGDocument.number(value) == text)
  }

  @Test func ticksAreRoundAndCoverTheRange() {
    #expect(AxisTicks.covering(31.5...84.3) == [30, 40, 50, 60, 70, 80, 90])
    #expect(AxisTicks.covering(99...100).first == 99)
    #expect(AxisTicks.covering(0...1) == [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1])
  }
}

@Suite struct LayerTimesTests {
  static let figure = LayerTimes(
    title: "Time by layer: <net>",
    layers: [
      .init(name: "conv1", kind: .convolution, milliseconds: 1),
      .init(name: "pool1", kind: .other, milliseconds: 0.5),
      .init(name: "fc6", kind: .innerProduct, milliseconds: 2.5),
    ], notes: ["a note"])

  @Test func everyLayerHasABarAndEveryKindAShare() throws {
    let found = try #require(ElementCounter(Self.figure.svg))
    // The ground, a bar a layer, a part and a key for each kind.
    #expect(found.counts["rect"] == 1 + 3 + 3 + 3)
    #expect(Self.figure.share(of: .convolution) == 0.25)
    for text in [
      "1.000 ms, 25.0 %", "2.500 ms, 62.5 %", "convolutions 25.0 %", "inner products 62.5 %",
      "all else 12.5 %", "a note",
    ] { #expect(found.texts.contains(text), "\(found.texts)") }
  }
}

@Suite struct DissimilarityMapTests {
  /// Most pairs are about as unlike: their differences are still seen.
  @Test func shadesCoverWhatThereIs() {
    let count = 40
    var values = [Float](repeating: 0, count: count * count)
    for i in 0..<count {
      for j in 0..<count where i != j {
        values[i * count + j] = (i < 20) == (j < 20) ? 0.9 : 1
      }
    }
    let svg = DissimilarityMap(
      title: "t", labels: (0..<count).map { $0 < 20 ? "a" : "b" }, values: values
    ).svg
    #expect(svg.contains("≤ 0.9<") && svg.contains("≥ 1<") && svg.contains("40 rows"))
    // Darkest within a class, white between classes.
    #expect(svg.components(separatedBy: "#084594").count - 1 >= 2 * 20 * 20)
    #expect(svg.components(separatedBy: "#ffffff").count - 1 >= 2 * 20 * 20)
  }

  @Test func alikeAndSingleRowsAreDrawn() {
    for count in [1, 2, 3] {
      let svg = DissimilarityMap(
        title: "t", labels: [String](repeating: "a", count: count),
        values: [Float](repeating: 0, count: count * count)
      ).svg
      #expect(ElementCounter(svg) != nil && !svg.contains("nan"))
    }
  }
}
