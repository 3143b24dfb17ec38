import Foundation

/// A class of pictures: a texture or a shape.
enum Motif: String, CaseIterable {
  case stripes, checks, dots, rings, bricks, clouds, disk, star

  /// How much foreground there is at a point, 0…1.
  ///
  /// Points are in units of the picture's shorter side, from its middle.
  typealias Pattern = (SIMD2<Double>) -> Double

  /// One member of the class: its scale, place and proportions are drawn from `random`.
  ///
  /// - Parameter pixel: the size of a pixel, over which edges are softened.
  func pattern(pixel: Double, _ random: inout SeededRandom) -> Pattern {
    // From far inside (1) to far outside (0) of an edge at `distance` 0.
    func inside(_ distance: Double) -> Double { min(max(0.5 - distance / (2 * pixel), 0), 1) }
    let angle = random.number(0...(2 * .pi))
    let place = SIMD2(random.number(-0.15...0.15), random.number(-0.15...0.15))
    func turned(_ point: SIMD2<Double>) -> SIMD2<Double> {
      let p = point - place
      return SIMD2(cos(angle) * p.x - sin(angle) * p.y, sin(angle) * p.x + cos(angle) * p.y)
    }
    /// Distance from the middle of a cell, for cells side by side along one axis.
    func cell(_ x: Double, _ size: Double) -> Double { x - size * (x / size).rounded() }

    switch self {
    case .stripes:
      let period = random.number(0.07...0.25)
      return { inside(abs(cell(turned($0).x, period)) - period / 4) }
    case .checks:
      let size = random.number(0.08...0.22)
      return { point in
        let p = turned(point)
        let (x, y) = (abs(cell(p.x, 2 * size)) - size / 2, abs(cell(p.y, 2 * size)) - size / 2)
        let (a, b) = (inside(x), inside(y))
        return a * b + (1 - a) * (1 - b)
      }
    case .dots:
      let size = random.number(0.1...0.25)
      let radius = size * random.number(0.22...0.4)
      return { point in
        let p = turned(point)
        let (x, y) = (cell(p.x, size), cell(p.y, size))
        return inside((x * x + y * y).squareRoot() - radius)
      }
    case .rings:
      let period = random.number(0.08...0.22)
      return { point in
        let p = turned(point)
        return inside(abs(cell((p.x * p.x + p.y * p.y).squareRoot(), period)) - period / 4)
      }
    case .bricks:
      let height = random.number(0.08...0.16)
      let length = height * random.number(2...2.6)
      let mortar = height * random.number(0.06...0.14)
      let tilt = random.number(-0.15...0.15)
      return { point in
        let p = point - place + SIMD2(0, tilt * point.x)
        let row = (p.y / height).rounded()
        let x = cell(p.x + row.truncatingRemainder(dividingBy: 2) * length / 2, length)
        return inside(
          max(abs(x) - length / 2, abs(p.y - row * height) - height / 2) + mortar / 2 + pixel)
      }
    case .clouds:
      let noise = ValueNoise(seed: random.next())
      let size = random.number(0.2...0.5)
      return { point in
        let p = turned(point) / size
        let sum = (0..<5).reduce(0.0) { sum, octave in
          let scale = Double(1 << octave)
          return sum + noise.value(p * scale) / scale
        }
        return min(max(sum * 1.2 - 0.66, 0), 1)
      }
    case .disk:
      let radius = random.number(0.18...0.38)
      return { point in
        let p = turned(point)
        return inside((p.x * p.x + p.y * p.y).squareRoot() - radius)
      }
    case .star:
      let radius = random.number(0.28...0.48)
      let waist = radius * random.number(0.35...0.5)
      return { point in
        let p = turned(point)
        // One fifth, mirrored, holds the straight edge from a tip to a notch.
        let fifth = 2 * Double.pi / 5
        let theta = abs(cell(atan2(p.y, p.x), fifth))
        let distance = (p.x * p.x + p.y * p.y).squareRoot()
        let (x, y) = (distance * cos(theta), distance * sin(theta))
        let notch = SIMD2(waist * cos(fifth / 2), waist * sin(fifth / 2))
        let edge = SIMD2(notch.x - radius, notch.y)
        let cross = (x - radius) * edge.y - y * edge.x
        return inside(cross / (edge.x * edge.x + edge.y * edge.y).squareRoot())
      }
    }
  }
}

/// Smooth random values over the plane: drawn at whole coordinates, blended between.
struct ValueNoise {
  let seed: UInt64

  /// 0…1.
  func value(_ point: SIMD2<Double>) -> Double {
    let corner = point.rounded(.down)
    let t = point - corner
    let s = t * t * (3 - 2 * t)
    func drawn(_ dx: Double, _ dy: Double) -> Double {
      let (x, y) = (Int64(corner.x + dx), Int64(corner.y + dy))
      var random = SeededRandom(seed, UInt64(bitPattern: x), UInt64(bitPattern: y))
      return random.number(0...1)
    }
    let above = drawn(0, 0) * (1 - s.x) + drawn(1, 0) * s.x
    let below = drawn(0, 1) * (1 - s.x) + drawn(1, 1) * s.x
    return above * (1 - s.y) + below * s.y
  }
}
