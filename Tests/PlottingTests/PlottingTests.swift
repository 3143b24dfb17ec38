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

  @Test func shadesRunFromWhiteToBlue() {
    #expect(ConfusionMatrix.shade(0) == "#ffffff")
    #expect(ConfusionMatrix.shade(1) == "#084594")
    #expect(ConfusionMatrix.shade(7) == "#084594")
  }
}

@Suite struct ScatterPlotTests {
  @Test func everyPointIsDrawn() throws {
    let groups = (0..<30).map { k in
      ScatterPlot.Group(
        name: "class \(k) <", points: (0..<3).map { (Double(k), Double($0), "\(k)/\($0).jpg") })
    }
    let plot = ScatterPlot(title: "t", xLabel: "x", yLabel: "y", groups: groups)
    let found = try #require(ElementCounter(plot.svg))
    let marks = (found.counts["circle"] ?? 0) + (found.counts["polygon"] ?? 0)
    #expect(marks == 90 + 26)
    #expect(found.texts.contains("29/2.jpg") && found.texts.contains("and 4 more"))
    #expect(plot.html.contains(plot.svg))
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
