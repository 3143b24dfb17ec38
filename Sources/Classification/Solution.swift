/// What a solver ends with.
struct Solution {
  /// `K×D`, row-major, and K.
  var weights: [Double]
  var bias: [Double]
  var certificate: Certificate
  var iterations: Int
  var passes: Int
  var isConverged: Bool
}
