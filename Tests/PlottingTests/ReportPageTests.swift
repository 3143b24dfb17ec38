import Foundation
import FoundationXML
import Testing

@testable import Plotting

@Suite struct ReportPageTests {
  static let hostile = "</style><script>alert(1)</script>\"&'"

  static let page = ReportPage(
    title: hostile,
    sections: [
      .init(
        hostile,
        [
          .text(hostile), .facts([(hostile, hostile)]),
          .table(header: [hostile, "n"], numbers: [1], rows: [[hostile, "1"]]),
          .bars([(hostile, 0.25, hostile), ("nan", .nan, ""), ("much", 7, "")]),
          .pictures(
            [
              [
                .init(image: "", name: hostile, label: hostile, note: hostile, isOther: false),
                .init(
                  image: "data:image/jpeg;base64,AAAA", name: "b", label: "", note: "",
                  isOther: true),
              ]
            ], isFirstApart: true),
          .drawing(LearningCurveTests.curve.svg),
        ]), .init("second", []),
    ], absences: [hostile])

  /// Whatever names are, the page has no script and no tag of theirs.
  @Test func namesAreNoMarkup() {
    let html = Self.page.html
    #expect(!html.contains("<script") && !html.contains("alert(1)</script>"))
    // Title, heading, link, section, text, two of facts, two of a table, two of bars, four of a picture
    // (its path stands there twice, for there is no image), absence.
    #expect(html.components(separatedBy: "alert(1)").count - 1 == 16)
    #expect(html.components(separatedBy: "</style>").count == 2)
  }

  @Test func itIsOneFileOfItsOwn() {
    let html = Self.page.html
    #expect(PictureMark.isIn(Array(html.utf8.prefix(PictureMark.reach))))
    let addresses = html.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
    #expect(!addresses.contains("http"))
    #expect(html == Self.page.html)
    for part in [
      "href=\"#s0\"", "id=\"s1\"", "width:25%", "width:0%", "width:100%", "class=\"n\">1<",
      "class=\"other\"", "<svg ", "@media print", "prefers-color-scheme:dark", "id=\"absent\"",
    ] { #expect(html.contains(part), "\(part)") }
  }

  @Test func nothingIsSaidOfNoAbsence() {
    #expect(!ReportPage(title: "t", sections: [], absences: []).html.contains("id=\"absent\""))
  }
}

@Suite struct RateChartTests {
  @Test func stepsAreOneLine() {
    let chart = RateChart(
      title: "a <b>", xLabel: "s", yLabel: "images/s",
      steps: [.init(start: 0, end: 2, rate: 50), .init(start: 2, end: 4, rate: 100)])
    let svg = chart.svg
    // Two ends of each step: half the time at half the height.
    #expect(svg.contains("points=\"64,128 344,128 344,48 624,48\""), "\(svg)")
    #expect(svg.contains("a &lt;b&gt;") && XMLParser(data: Data(svg.utf8)).parse())
  }

  @Test func aRateOfNothingIsDrawn() {
    let chart = RateChart(
      title: "", xLabel: "", yLabel: "", steps: [.init(start: 0, end: 0, rate: 0)])
    #expect(XMLParser(data: Data(chart.svg.utf8)).parse() && !chart.svg.contains("nan"))
  }
}
