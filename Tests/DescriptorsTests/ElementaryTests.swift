import Foundation
import Testing

@testable import Descriptors

/// Beside the C library's functions, whose last bits they need not share.
@Suite struct ElementaryTests {
  /// Some units of the last place: the tables that are made of them are in single precision.
  private let tolerance = 1e-15

  @Test func exponentialsAreRight() {
    for i in 0..<5000 {
      let x = -Double(i) * 0.1403
      #expect(abs(Elementary.exp(x) - exp(x)) <= tolerance * exp(x) + 1e-300, "e^\(x)")
    }
    #expect(Elementary.exp(0) == 1)
    #expect(Elementary.exp(-1e9) == 0)
  }

  @Test func logarithmsAreRight() {
    for i in 1..<5000 {
      let x = Double(i) * 0.0731
      #expect(abs(Elementary.log(x) - log(x)) <= tolerance * max(abs(log(x)), 1), "log \(x)")
    }
    #expect(Elementary.log(1) == 0)
  }

  @Test(arguments: [1, 2, 3, 8, 64, 266, 320])
  func turnsAreRight(count: Int) {
    for (i, turn) in Elementary.turns(count).enumerated() {
      let angle = 2 * Double.pi * Double(i) / Double(count)
      // The angle itself, up to 2π, is rounded by 4e-16, and so is π.
      #expect(abs(turn.cos - cos(angle)) <= 2e-15, "cos of \(i) / \(count)")
      #expect(abs(turn.sin - sin(angle)) <= 2e-15, "sin of \(i) / \(count)")
    }
  }

  @Test func anglesAreRight() {
    for i in -20...20 {
      for j in -20...20 {
        let (x, y) = (Double(i) * 0.31, Double(j) * 0.17)
        #expect(abs(Elementary.angle(x: x, y: y) - atan2(y, x)) <= 1e-15 * .pi, "(\(x), \(y))")
      }
    }
  }
}
