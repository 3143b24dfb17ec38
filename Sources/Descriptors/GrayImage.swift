internal import Tensors

/// Gray values of 0…1, row-major.
struct GrayImage {
  let width: Int
  let height: Int
  private(set) var values: [Float]

  /// MATLAB's `rgb2gray`.
  ///
  /// - Parameters:
  ///   - pixels: three channels, red, green, blue, of 0…255.
  ///   - least: the shortest that a side may be: a shorter one is made longer by its last pixels.
  init(_ pixels: FeatureMap, least: Int) {
    let layout = pixels.layout
    precondition(layout.channels == 3, "an image of three channels")
    (width, height) = (max(layout.width, least), max(layout.height, least))
    values = []
    values.reserveCapacity(width * height)
    for y in 0..<height {
      pixels.withLine(min(y, layout.height - 1)) { line in
        for x in 0..<width {
          let i = 3 * min(x, layout.width - 1)
          let sum = 0.2989 * line[i] + 0.5870 * line[i + 1] + 0.1140 * line[i + 2]
          values.append(sum * (1 / 255))
        }
      }
    }
  }

  /// Convolved with `weights` along both axes; edge pixels go on.
  func smoothed(_ weights: [Float]) -> GrayImage {
    var result = self
    let reach = weights.count / 2
    for y in 0..<height {
      for x in 0..<width {
        var sum: Float = 0
        for k in -reach...reach {
          sum += weights[k + reach] * values[y * width + min(max(x + k, 0), width - 1)]
        }
        result.values[y * width + x] = sum
      }
    }
    let across = result.values
    for y in 0..<height {
      for x in 0..<width {
        var sum: Float = 0
        for k in -reach...reach {
          sum += weights[k + reach] * across[min(max(y + k, 0), height - 1) * width + x]
        }
        result.values[y * width + x] = sum
      }
    }
    return result
  }

  /// Half the difference of the neighbours; at an edge the difference from the one there is.
  func gradient(_ x: Int, _ y: Int) -> (x: Float, y: Float) {
    func slope(_ place: Int, _ stride: Int, _ index: Int, _ count: Int) -> Float {
      let before = index > 0 ? values[place - stride] : values[place]
      let after = index + 1 < count ? values[place + stride] : values[place]
      return index > 0 && index + 1 < count ? 0.5 * (after - before) : after - before
    }
    let place = y * width + x
    return (slope(place, 1, x, width), slope(place, width, y, height))
  }
}
