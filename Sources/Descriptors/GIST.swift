package import ConvNet
package import Files
package import Tensors

/// The spatial envelope of a scene (Oliva and Torralba, “Modeling the shape of the scene”, 2001): how
/// much detail of each scale and orientation lies in each part of the image.
///
/// The constants are those of the authors' program, LMgist: gray values of 256×256 pixels, spread over
/// 0…255; their logarithm, less its slow waves and divided by local contrast; then Gabor filters on 4
/// scales in 8 orientations, and the mean magnitude of each response over 4×4 blocks. A row's 512
/// values are the filters', scales from fine to coarse, each with its blocks column by column.
package struct GIST: Descriptor {
  package static let side = 256
  /// Mirrored pixels about the image while it is filtered.
  static let border = 32
  static let blocks = 4
  static let scales = 4
  static let orientations = 8

  package let name = DescriptorKind.gist.rawValue
  package let width = scales * orientations * blocks * blocks
  package let transform = InputTransform.gist
  package let inputs: [InputFile] = []
  package let arithmeticVersion = 1
  package var numbersSHA256: SHA256Digest { SHA256Digest(of: name.utf8) }

  package init() {}

  package func makeWorkers(_ count: Int, kernelClass: KernelClass) -> [any DescriptorWorker] {
    let bank = Self.makeBank(kernelClass)
    return (0..<count).map { _ in Worker(bank, kernelClass) }
  }

  /// LMgist's `createGabor`: `exp(−3.5·(r / n / f − 1)² − 2π·θ²)` at radius r and angle θ from the
  /// filter's own, with f = 0.3 / 1.85^scale.
  private static func makeBank(_ kernelClass: KernelClass) -> FilterBank {
    let size = side + 2 * border
    let half = size / 2
    var radii = [Double](repeating: 0, count: size * size)
    var angles = radii
    for v in 0..<size {
      for u in 0..<size {
        let (x, y) = (Double(v - half), Double(u - half))
        radii[v * size + u] = (x * x + y * y).squareRoot() / Double(size)
        angles[v * size + u] = Elementary.angle(x: x, y: y)
      }
    }
    let orientationWeight = 16.0 * Double(orientations * orientations) / (32 * 32)
    return FilterBank(
      size: size, border: border, blocks: blocks, filterCount: scales * orientations,
      kernelClass: kernelClass, turns: Elementary.turns(size)
    ) { filter, column, row in
      let (scale, orientation) = (filter / orientations, filter % orientations)
      let frequency = (0..<scale).reduce(0.3) { frequency, _ in frequency / 1.85 }
      let place = (row + half) * size + column + half
      var angle = angles[place] + .pi / Double(orientations) * Double(orientation)
      if angle > .pi { angle -= 2 * .pi }
      let distance = radii[place] / frequency - 1
      return Elementary.exp(
        -3.5 * distance * distance - 2 * .pi * orientationWeight * angle * angle)
    }
  }

  /// The memory of one thread.
  private final class Worker: DescriptorWorker {
    private let bank: FilterBank
    private let workspace: FilterBank.Workspace
    private let contrast: LocalContrast
    private var gray = [Float](repeating: 0, count: side * side)

    init(_ bank: FilterBank, _ kernelClass: KernelClass) {
      self.bank = bank
      workspace = bank.makeWorkspace()
      contrast = LocalContrast(side: side, kernelClass: kernelClass)
    }

    func run(_ pixels: FeatureMap, into output: FloatBuffer, at start: Int) {
      let side = GIST.side
      precondition(
        pixels.layout.width == side && pixels.layout.height == side
          && pixels.layout.channels == 3, "an image of another size")
      for y in 0..<side {
        pixels.withLine(y) { line in
          for x in 0..<side {
            gray[y * side + x] = (line[3 * x] + line[3 * x + 1] + line[3 * x + 2]) / 3
          }
        }
      }
      contrast.normalize(&gray)
      let (size, border) = (bank.size, GIST.border)
      for y in 0..<size {
        let source = mirrored(y - border, side) * side
        for x in 0..<size {
          workspace.image[y * size + x] = gray[source + mirrored(x - border, side)]
        }
      }
      bank.run(in: workspace, into: output, at: start)
    }
  }
}

/// The place in `0..<count` that lies where `index` does, when both edges are mirrors; at most `count`
/// beyond them.
func mirrored(_ index: Int, _ count: Int) -> Int {
  index < 0 ? -1 - index : index >= count ? 2 * count - 1 - index : index
}
