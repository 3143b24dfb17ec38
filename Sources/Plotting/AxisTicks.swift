internal import Foundation

/// Round numbers along an axis.
enum AxisTicks {
  /// Multiples of 1, 2 or 5 times a power of ten that cover `range`, about `count` of them.
  static func covering(_ range: ClosedRange<Double>, count: Int = 6) -> [Double] {
    let span = max(range.upperBound - range.lowerBound, 1e-9)
    let rough = span / Double(count)
    let power = pow(10, floor(log10(rough)))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? 10 * power
    let first = (range.lowerBound / step).rounded(.down)
    let last = (range.upperBound / step).rounded(.up)
    return stride(from: first, through: last, by: 1).map { $0 * step }
  }
}
