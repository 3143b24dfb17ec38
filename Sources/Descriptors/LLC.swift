package import ConvNet
package import Files
package import Tensors

/// Locality-constrained linear coding (Wang et al., “Locality-constrained linear coding for image
/// classification”, CVPR 2010), with the constants of the authors' program.
///
/// Every SIFT descriptor of a dense grid is written as the affine combination of its 5 nearest words
/// (section 3, approximated LLC); for each word the largest weight is kept in each cell of grids of
/// 1×1, 2×2 and 4×4, 0 where no weight is above it; the row is scaled to length 1. Its values are cell
/// by cell, 21 cells, cells row by row, each with all words.
package struct LLC: Descriptor {
  /// Words that a descriptor is coded by.
  package static let neighbors = 5
  static let grids = [1, 2, 4]
  static let cells = grids.reduce(0) { $0 + $1 * $1 }

  package let codebook: Codebook
  package let name = DescriptorKind.llc.rawValue
  package let transform = InputTransform.llc
  package let arithmeticVersion = 1
  package var width: Int { Self.cells * codebook.count }
  package var numbersSHA256: SHA256Digest { codebook.sha256 }
  package var inputs: [InputFile] { codebook.inputs }

  package init(_ codebook: Codebook) { self.codebook = codebook }

  package func makeWorkers(_ count: Int, kernelClass: KernelClass) -> [any DescriptorWorker] {
    let words = NearestWords(codebook.words, kernelClass: kernelClass)
    return (0..<count).map { _ in Worker(words) }
  }

  /// The cells of all grids that a patch's centre lies in.
  ///
  /// - Parameters:
  ///   - column, row: of the patch's first pixel.
  ///   - width, height: of the image.
  static func cells(column: Int, row: Int, width: Int, height: Int) -> [Int] {
    var first = 0
    return grids.map { grid in
      defer { first += grid * grid }
      return first + place(row, height, grid) * grid + place(column, width, grid)
    }
  }

  /// The program's `ceil(x / (width / grid))`, less 1, with x = first pixel + 8.5, in whole numbers.
  private static func place(_ first: Int, _ length: Int, _ grid: Int) -> Int {
    ((2 * first + DenseSIFT.patch + 1) * grid + 2 * length - 1) / (2 * length) - 1
  }

  /// The memory of one thread.
  private final class Worker: DescriptorWorker {
    private let sift = DenseSIFT()
    private let words: NearestWords

    init(_ words: NearestWords) { self.words = words }

    func run(_ pixels: FeatureMap, into output: FloatBuffer, at start: Int) {
      let found = sift.run(pixels)
      let codes = words.codes(of: found.values)
      var row = [Float](repeating: 0, count: LLC.cells * words.count)
      for (j, y) in found.rows.enumerated() {
        for (i, x) in found.columns.enumerated() {
          let cells = LLC.cells(
            column: x, row: y, width: found.imageWidth, height: found.imageHeight)
          let patch = j * found.columns.count + i
          for code in codes[patch * LLC.neighbors..<(patch + 1) * LLC.neighbors] {
            for cell in cells {
              let place = cell * words.count + code.word
              row[place] = max(row[place], code.weight)
            }
          }
        }
      }
      let length = VectorOperations.squaredNorm(row.span).squareRoot()
      let scale = length > 0 ? Float(1 / length) : 0
      for i in row.indices { row[i] *= scale }
      output.replace(from: start, with: row)
    }
  }
}
