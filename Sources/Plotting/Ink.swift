/// The colors of all drawings.
enum Ink {
  static let text = "#222222"
  static let faint = "#666666"
  static let grid = "#e3e3e3"
  static let axis = "#888888"
  static let pale = "#cfcfcf"

  /// Colors that people with any color vision tell apart (Okabe and Ito, 2008), without the yellow,
  /// which is too pale on white.
  private static let series = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000",
  ]

  static var seriesCount: Int { series.count }

  static func series(_ index: Int) -> String { series[index % series.count] }
}
