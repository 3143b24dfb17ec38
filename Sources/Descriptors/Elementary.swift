/// Elementary functions in double precision, by additions, multiplications and divisions alone.
///
/// The C library's choose their instructions by processor, and their last bits with them; what a store
/// holds must not. Each is right to some units of the last place, on the ranges that are named.
enum Elementary {
  /// e^x for x ≤ 0; 0 below -700.
  static func exp(_ x: Double) -> Double {
    precondition(x <= 0, "an exponential of what is not positive")
    if x < -700 { return 0 }
    // x = n · log 2 + r with |r| ≤ log 2 / 2; of e^r Taylor's polynomial to r^14.
    let n = (x * 1.4426950408889634).rounded()
    // log 2 in two parts (Cody and Waite): n times the first is exact.
    let r = x - n * 0x1.62e42feep-1 - n * 0x1.a39ef35793c76p-33
    var (sum, term) = (1.0, 1.0)
    for i in 1...14 {
      term *= r / Double(i)
      sum += term
    }
    return Double(sign: .plus, exponent: Int(n), significand: sum)
  }

  /// The natural logarithm of a positive normal number.
  static func log(_ x: Double) -> Double {
    precondition(x.isNormal && x > 0, "a logarithm of a positive number")
    var (exponent, m) = (Double(x.exponent), x.significand)
    if m > 1.4142135623730951 { (exponent, m) = (exponent + 1, m / 2) }
    // log m = 2 · artanh s, with |s| ≤ 0.172.
    let s = (m - 1) / (m + 1)
    let square = s * s
    var sum = 0.0
    for factor in logarithmFactors { sum = sum * square + factor }
    return exponent * 0x1.62e42fefa39efp-1 + 2 * s * sum
  }

  /// cos and sin of `2π·i / count` for every i of `0..<count`.
  static func turns(_ count: Int) -> [(cos: Double, sin: Double)] {
    (0..<count).map { i in
      // Quarters are turned exactly; what is left is at most an eighth, forward or back.
      let quarter = (8 * i + count) / (2 * count)
      let rest = Double(4 * i - quarter * count) / Double(count) * (Double.pi / 2)
      let (c, s) = smallTurn(rest)
      switch quarter % 4 {
      case 0: return (c, s)
      case 1: return (-s, c)
      case 2: return (-c, -s)
      default: return (s, -c)
      }
    }
  }

  /// cos and sin of |x| ≤ π / 4, by Taylor's polynomials.
  private static func smallTurn(_ x: Double) -> (cos: Double, sin: Double) {
    let square = x * x
    var (c, s) = (1.0, 1.0)
    for i in stride(from: 20, through: 2, by: -2) {
      c = 1 - c * square / Double(i * (i - 1))
      s = 1 - s * square / Double(i * (i + 1))
    }
    return (c, s * x)
  }

  /// The angle of (x, y) in -π...π, 0 for (0, 0); that of (-1, 0) is π.
  static func angle(x: Double, y: Double) -> Double {
    let (width, height) = (abs(x), abs(y))
    if width == 0 && height == 0 { return 0 }
    let small = arctangent(min(width, height) / max(width, height))
    var angle = height > width ? Double.pi / 2 - small : small
    if x < 0 { angle = .pi - angle }
    return y < 0 ? -angle : angle
  }

  /// 1, -1/3, 1/5, …, the last first.
  private static let arctangentFactors = (0..<14).reversed().map { (i: Int) -> Double in
    let factor = 1 / Double(2 * i + 1)
    return i % 2 == 0 ? factor : -factor
  }
  /// 1, 1/3, 1/5, …, the last first.
  private static let logarithmFactors = (0..<12).reversed().map { (i: Int) -> Double in
    1 / Double(2 * i + 1)
  }

  /// arctan q for q in 0...1.
  private static func arctangent(_ q: Double) -> Double {
    // Above tan(π/12) less π/6, so that the series runs over |t| ≤ 0.268.
    let isLarge = q > 0.2679491924311227
    let t = isLarge ? (q * 1.7320508075688772 - 1) / (q + 1.7320508075688772) : q
    let square = t * t
    var sum = 0.0
    for factor in arctangentFactors { sum = factor + sum * square }
    return isLarge ? sum * t + .pi / 6 : sum * t
  }
}
