/// Shapes of marks.
enum Marker: CaseIterable {
  case circle, square, triangle, diamond, pentagon, wedge

  /// Corners about the origin, of about the circle's area; nil for the circle itself.
  var corners: [(Double, Double)]? {
    switch self {
    case .circle: nil
    case .square: [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]
    case .triangle: [(0, -1.25), (1.15, 0.8), (-1.15, 0.8)]
    case .diamond: [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)]
    case .pentagon: [(0, -1.15), (1.1, -0.35), (0.68, 0.95), (-0.68, 0.95), (-1.1, -0.35)]
    case .wedge: [(0, 1.25), (-1.15, -0.8), (1.15, -0.8)]
    }
  }

  static func number(_ index: Int) -> Marker { allCases[index % allCases.count] }
}
