package import Tensors

/// A codebook's words as a matrix, by which local descriptors find the nearest ones and their codes.
package final class NearestWords: Sendable {
  /// A word and its weight in a code.
  struct Code {
    var word: Int
    var weight: Float
  }

  package let count: Int
  private let words: [Float]
  private let norms: [Float]
  private let packed = PackedMatrix<Float>()
  private let kernels: TrainingKernels
  private let systems: LocalSystem

  private static let width = DenseSIFT.width
  /// Descriptors whose products with all words are there at a time.
  private static let block = 64
  /// What is added to the diagonal of a local system, as a share of its trace.
  private static let regularization = 1e-4

  /// - Parameter words: `count×128`.
  package init(_ words: [Float], kernelClass: KernelClass) {
    self.words = words
    count = words.count / Self.width
    kernels = TrainingKernels(kernelClass)
    systems = LocalSystem(kernelClass)
    norms = (0..<count).map { word in
      Float(
        VectorOperations.squaredNorm(
          words.span.extracting(word * Self.width..<(word + 1) * Self.width)))
    }
    kernels.pack(
      words.span, MatrixLayout(leadingDimension: Self.width, isTransposed: true),
      depth: Self.width, columns: count, into: packed)
  }

  /// The codes of descriptors, 5 words each.
  ///
  /// - Parameter descriptors: `n×128`.
  func codes(of descriptors: [Float]) -> [Code] {
    let size = LLC.neighbors
    let all = descriptors.count / Self.width
    var codes: [Code] = []
    var scratch: [Double] = []
    codes.reserveCapacity(all * size)
    forEachBlock(of: descriptors, neighbors: size) { first, selections in
      for (i, selection) in selections.enumerated() {
        let start = (first + i) * Self.width
        let descriptor = descriptors.span.extracting(start..<start + Self.width)
        // In one order, whatever that of the search.
        codes += code(descriptor, near: selection.found.map { Int($0) }.sorted(), &scratch)
      }
    }
    return codes
  }

  /// The nearest words, in no order, of a block of descriptors after the other.
  private func forEachBlock(
    of descriptors: [Float], neighbors: Int,
    _ body: (_ first: Int, _ selections: [NearestSelection]) -> Void
  ) {
    let all = descriptors.count / Self.width
    let norms = norms
    var products = [Float](repeating: 0, count: min(all, Self.block) * count)
    for first in stride(from: 0, to: all, by: Self.block) {
      let rows = min(Self.block, all - first)
      kernels.multiply(
        rows: rows, descriptors.span,
        MatrixLayout(leadingDimension: Self.width, offset: first * Self.width), packed,
        into: &products, MatrixLayout(leadingDimension: count))
      let selections = (0..<rows).map { row in
        var selection = NearestSelection(neighbors)
        selection.add(products, row: row, norms: norms.span, base: 0, excluding: -1)
        return selection
      }
      body(first, selections)
    }
  }

  /// The nearest word of each descriptor and the squared distance to it; of words at the same distance
  /// the first.
  package func nearest(_ descriptors: [Float]) -> [(word: Int, square: Double)] {
    var found: [(word: Int, square: Double)] = []
    // Products tell which few are near; the distances to those are then made anew.
    forEachBlock(of: descriptors, neighbors: min(2, count)) { first, selections in
      for (i, selection) in selections.enumerated() {
        let start = (first + i) * Self.width
        let descriptor = descriptors.span.extracting(start..<start + Self.width)
        found.append(
          selection.found.map { (word: Int($0), square: square(descriptor, Int($0))) }
            .min { ($0.square, $0.word) < ($1.square, $1.word) }!)
      }
    }
    return found
  }

  private func square(_ descriptor: Span<Float>, _ word: Int) -> Double {
    var sum = 0.0
    for j in 0..<Self.width {
      let difference = Double(words[word * Self.width + j]) - Double(descriptor[j])
      sum += difference * difference
    }
    return sum
  }

  /// The weights, summing to 1, by which some words come nearest to a descriptor: the solution of
  /// `(C + λ·tr C·I)·w = 1` with C the products of the words' differences from it.
  private func code(
    _ descriptor: Span<Float>, near words: [Int], _ scratch: inout [Double]
  ) -> [Code] {
    let size = words.count
    var system = systems.products(
      of: self.words, rows: words, with: descriptor, scratch: &scratch)
    let trace = (0..<size).reduce(0) { $0 + system[$1 * size + $1] }
    for a in 0..<size { system[a * size + a] += Self.regularization * trace }
    let weights = SmallSystem.affineWeights(system, size: size)
    return zip(words, weights).map { Code(word: $0, weight: Float($1)) }
  }
}
