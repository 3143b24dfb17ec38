internal import Foundation
package import Tensors

/// Slow twins of the engine's kernels: explicit loops over C×H×W arrays.
///
/// The twin of inner products follows the engine's stated order, so that they agree bit for bit.
package enum SlowKernels {
  /// Activations of one image, C×H×W.
  package struct Map: Equatable {
    package var channels: Int
    package var height: Int
    package var width: Int
    package var values: [Float]

    package init(_ channels: Int, _ height: Int, _ width: Int, _ values: [Float]) {
      precondition(values.count == channels * height * width)
      self.channels = channels
      self.height = height
      self.width = width
      self.values = values
    }

    /// Evenly distributed numbers in `range`.
    package init(
      random seed: UInt64, _ channels: Int, _ height: Int, _ width: Int,
      in range: ClosedRange<Float> = -1...1
    ) {
      self.init(
        channels, height, width,
        SlowKernels.random(channels * height * width, seed: seed, in: range))
    }

    package subscript(c: Int, y: Int, x: Int) -> Float {
      get { values[(c * height + y) * width + x] }
      set { values[(c * height + y) * width + x] = newValue }
    }

    func isInside(_ y: Int, _ x: Int) -> Bool { y >= 0 && y < height && x >= 0 && x < width }
  }

  /// The same numbers for the same seed (SplitMix64).
  package static func random(
    _ count: Int, seed: UInt64, in range: ClosedRange<Float> = -1...1
  ) -> [Float] {
    var state = seed
    let span = range.upperBound - range.lowerBound
    return (0..<count).map { _ in
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return range.lowerBound + span * Float((z ^ (z >> 31)) >> 40) / Float(1 << 24)
    }
  }

  /// - Parameter weights: outputs × channels/groups × kernelSize × kernelSize.
  package static func convolve(
    _ input: Map, weights: [Float], biases: [Float], kernelSize: Int, stride: Int, padding: Int,
    groups: Int
  ) -> Map {
    let outputs = biases.count
    let depth = input.channels / groups
    let height = (input.height + 2 * padding - kernelSize) / stride + 1
    let width = (input.width + 2 * padding - kernelSize) / stride + 1
    var result = Map(outputs, height, width, [Float](repeating: 0, count: outputs * height * width))
    for o in 0..<outputs {
      let firstChannel = o / (outputs / groups) * depth
      for y in 0..<height {
        for x in 0..<width {
          var sum = biases[o]
          for v in 0..<kernelSize {
            for u in 0..<kernelSize {
              let (row, column) = (y * stride + v - padding, x * stride + u - padding)
              let isInside = input.isInside(row, column)
              for c in 0..<depth {
                let a = isInside ? input[firstChannel + c, row, column] : 0
                let w = weights[((o * depth + c) * kernelSize + v) * kernelSize + u]
                sum += a * w
              }
            }
          }
          result[o, y, x] = sum
        }
      }
    }
    return result
  }

  /// Any convolution, in `Double`.
  ///
  /// - Parameter weights: outputs × channels/groups × kernel height × kernel width.
  package static func convolve(
    _ input: Map, weights: [Float], biases: [Float], shape: ConvolutionShape
  ) -> Map {
    let size = shape.outputSize(input.height, input.width)
    let (kernel, depth) = (shape.kernelSize, shape.channelsPerGroup)
    var values = [Float]()
    for o in 0..<shape.outputs {
      let firstChannel = o / shape.outputsPerGroup * depth
      for y in 0..<size.height {
        for x in 0..<size.width {
          var sum = Double(biases[o])
          for v in 0..<kernel.height {
            for u in 0..<kernel.width {
              let row = y * shape.stride.height + v * shape.dilation.height - shape.padding.height
              let column = x * shape.stride.width + u * shape.dilation.width - shape.padding.width
              guard input.isInside(row, column) else { continue }
              for c in 0..<depth {
                let place = ((o * depth + c) * kernel.height + v) * kernel.width + u
                sum += Double(input[firstChannel + c, row, column]) * Double(weights[place])
              }
            }
          }
          values.append(Float(sum))
        }
      }
    }
    return Map(shape.outputs, size.height, size.width, values)
  }

  /// Caffe's `PoolingLayer<Dtype>::Forward_cpu`, MAX or AVE, in `Double`, of a given output size.
  package static func pool(
    _ input: Map, isAverage: Bool, size: PlaneSize, stride: PlaneSize, padding: PlaneSize,
    height: Int, width: Int
  ) -> Map {
    var values = [Float]()
    for c in 0..<input.channels {
      for y in 0..<height {
        for x in 0..<width {
          var (top, left) = (
            y * stride.height - padding.height, x * stride.width - padding.width
          )
          var bottom = min(top + size.height, input.height + padding.height)
          var right = min(left + size.width, input.width + padding.width)
          let places = Double((bottom - top) * (right - left))
          (top, left) = (max(top, 0), max(left, 0))
          (bottom, right) = (min(bottom, input.height), min(right, input.width))
          var (sum, largest) = (0.0, -Float.infinity)
          for row in top..<bottom {
            for column in left..<right {
              sum += Double(input[c, row, column])
              largest = max(largest, input[c, row, column])
            }
          }
          values.append(isAverage ? Float(sum / places) : largest)
        }
      }
    }
    return Map(input.channels, height, width, values)
  }

  /// The sums first, from zero; then the biases.
  ///
  /// - Parameter isFused: one rounding a multiply-add, else two.
  package static func innerProduct(
    _ input: [Float], weights: [Float], biases: [Float], isFused: Bool
  ) -> [Float] {
    biases.indices.map { o in
      var sum = Float(0)
      for k in input.indices {
        let w = weights[o * input.count + k]
        sum = isFused ? sum.addingProduct(input[k], w) : sum + input[k] * w
      }
      return sum + biases[o]
    }
  }

  /// Size rounded up, windows clipped.
  package static func maxPool(_ input: Map, size: Int, stride: Int) -> Map {
    let height = (input.height - size + stride - 1) / stride + 1
    let width = (input.width - size + stride - 1) / stride + 1
    var result = Map(
      input.channels, height, width,
      [Float](repeating: -.infinity, count: input.channels * height * width))
    for c in 0..<input.channels {
      for y in 0..<height {
        for x in 0..<width {
          for v in 0..<size {
            for u in 0..<size where input.isInside(y * stride + v, x * stride + u) {
              result[c, y, x] = max(result[c, y, x], input[c, y * stride + v, x * stride + u])
            }
          }
        }
      }
    }
    return result
  }

  /// In `Double`: `a / (k + alpha / localSize · Σ a²)^beta`.
  package static func normalize(
    _ input: Map, localSize: Int, alpha: Double, beta: Double = 0.75, k: Double
  ) -> Map {
    var result = input
    for c in 0..<input.channels {
      let window = max(0, c - localSize / 2)...min(input.channels - 1, c + localSize / 2)
      for y in 0..<input.height {
        for x in 0..<input.width {
          var sum = 0.0
          for j in window { sum += Double(input[j, y, x]) * Double(input[j, y, x]) }
          let power = pow(k + alpha / Double(localSize) * sum, beta)
          result[c, y, x] = Float(Double(input[c, y, x]) / power)
        }
      }
    }
    return result
  }

  package static func rectify(_ values: [Float]) -> [Float] { values.map { $0 < 0 ? 0 : $0 } }
}
