internal import Formats
internal import Glibc
internal import Tensors

/// What a parameter is before anything is learned: Caffe's fillers.
package enum Filler: Hashable, Sendable {
  case constant(Float)
  /// Normal numbers.
  case gaussian(mean: Float, standardDeviation: Float)
  case uniform(ClosedRange<Float>)
  /// Even in ±√(3 / n), n being the number of inputs, or of outputs, or their mean (Glorot and Bengio
  /// 2010).
  case xavier(Norm)
  /// Normal with variance 2 / n (He et al. 2015).
  case msra(Norm)

  /// The count n, by Caffe's names.
  package enum Norm: String, Sendable {
    case fanIn = "FAN_IN"
    case fanOut = "FAN_OUT"
    case average = "AVERAGE"
  }

  /// Reads `weight_filler { … }`.
  ///
  /// - Throws: `TextFormatError` for a kind that is not known, or a number that is none.
  init(_ message: TextMessage, layer: String, source: String) throws(TextFormatError) {
    func fail(_ problem: String) -> TextFormatError {
      TextFormatError(source: source, line: message.line, problem: "\(layer): \(problem)")
    }
    func number(_ name: String, _ usual: Float) throws(TextFormatError) -> Float {
      guard let text = message.string(name) else { return usual }
      guard let value = Float(text), value.isFinite else {
        throw fail("\(name): expected a number, found \(text)")
      }
      return value
    }
    let normName = message.string("variance_norm") ?? Norm.fanIn.rawValue
    guard let norm = Norm(rawValue: normName) else {
      throw fail("variance_norm: expected FAN_IN, FAN_OUT or AVERAGE, found \(normName)")
    }
    let type = message.string("type") ?? "constant"
    switch type {
    case "constant": self = .constant(try number("value", 0))
    case "gaussian":
      self = .gaussian(mean: try number("mean", 0), standardDeviation: try number("std", 1))
    case "uniform":
      let (low, high) = (try number("min", 0), try number("max", 1))
      guard low <= high else { throw fail("filler: min \(low) is above max \(high)") }
      self = .uniform(low...high)
    case "xavier": self = .xavier(norm)
    case "msra": self = .msra(norm)
    default:
      throw fail(
        "filler: expected constant, gaussian, uniform, xavier or msra, found \(type)")
    }
  }

  /// Numbers of a parameter of this shape, drawn from the generator one after the other.
  ///
  /// As in Caffe, the inputs are the numbers of an output, the outputs those of an input.
  func numbers(_ shape: [Int], _ generator: inout SeededGenerator) -> [Float] {
    let count = shape.reduce(1, *)
    let fanIn = Double(count / shape[0])
    let fanOut = Double(shape.count > 1 ? count / shape[1] : count)
    func fan(_ norm: Norm) -> Double {
      switch norm {
      case .fanIn: fanIn
      case .fanOut: fanOut
      case .average: (fanIn + fanOut) / 2
      }
    }
    var numbers = [Float](repeating: 0, count: count)
    switch self {
    case .constant(let value): numbers = [Float](repeating: value, count: count)
    case .gaussian(let mean, let deviation):
      for i in numbers.indices { numbers[i] = mean + deviation * generator.normal() }
    case .uniform(let range):
      let length = Double(range.upperBound) - Double(range.lowerBound)
      for i in numbers.indices {
        numbers[i] = Float(Double(range.lowerBound) + length * generator.uniform())
      }
    case .xavier(let norm):
      let bound = (3 / fan(norm)).squareRoot()
      for i in numbers.indices { numbers[i] = Float(bound * (2 * generator.uniform() - 1)) }
    case .msra(let norm):
      let deviation = Float((2 / fan(norm)).squareRoot())
      for i in numbers.indices { numbers[i] = deviation * generator.normal() }
    }
    return numbers
  }
}
