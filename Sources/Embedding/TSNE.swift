internal import Foundation
package import Tensors

/// t-distributed stochastic neighbour embedding: rows on a plane so that near ones stay near.
///
/// Van der Maaten and Hinton, “Visualizing data using t-SNE”, 2008, as it is done since: attraction
/// along nearest neighbours (van der Maaten, 2014); repulsion of all pairs up to 3,000 rows and by
/// interpolation beyond (Linderman et al., 2019); starting from principal components scaled to a
/// deviation of 1e-4 (Kobak and Berens, “The art of using t-SNE for single-cell transcriptomics”,
/// 2019); a learning rate of N / 12 (Belkina et al., “Automated optimized parameters for
/// t-distributed stochastic neighbor embedding”, 2019).
package struct TSNE: Sendable {
  /// What may be chosen.
  package struct Options: Sendable {
    package var perplexity = 30.0
    package var iterations = 1000
    package var isExact: Bool?

    package init() {}
  }

  /// Iterations of exaggerated attraction, and its factor.
  package static let exaggerated = 250
  package static let exaggeration: Float = 12

  /// `count×2`, row-major.
  package let coordinates: [Double]
  /// The Kullback–Leibler divergence that is left, over the edges of nearest neighbours.
  package let divergence: Double

  /// Where rows begin: their first two components, the first with a deviation of 1e-4.
  ///
  /// Rows that are the same, or vary in one direction, get a little noise: alike points never part.
  package static func start(_ components: [Float], width: Int, seed: UInt64) -> [Float] {
    let count = components.count / width
    var generator = SeededGenerator(seed: seed, stream: 1)
    var square = 0.0
    for i in 0..<count { square += Double(components[i * width]) * Double(components[i * width]) }
    let deviation = (square / Double(count)).squareRoot()
    let scale = deviation > 0 ? 1e-4 / deviation : 0
    return (0..<2).flatMap { axis in
      (0..<count).map { i in
        let value = axis < width ? Double(components[i * width + axis]) * scale : 0
        return Float(value + 1e-7 * Double(generator.normal()))
      }
    }
  }

  /// - Parameters:
  ///   - start: x of every row, then y of every row.
  ///   - progress: called after each iteration with their number.
  package init(
    _ graph: SparseGraph, start: [Float], options: Options = Options(), team: ThreadTeam,
    progress: (Int) -> Void = { _ in }
  ) {
    let motion = PlaneMotion(start, graph, isExact: options.isExact)
    // The gradient without its factor 4: the rate that others call 50 at least is 200 here.
    let rate = max(Float(graph.count) / Self.exaggeration, 200)
    for iteration in 0..<options.iterations {
      motion.computeForces(team: team)
      let isEarly = iteration < Self.exaggerated
      motion.descend(
        exaggeration: isEarly ? Self.exaggeration : 1, momentum: isEarly ? 0.5 : 0.8, rate: rate)
      progress(iteration + 1)
    }
    motion.computeForces(team: team)
    let places = motion.coordinates
    let count = graph.count
    coordinates = (0..<count).flatMap { [Double(places[$0]), Double(places[count + $0])] }
    divergence = Self.divergence(graph, coordinates, normalization: motion.normalization)
  }

  /// `Σ p·log(p / q)` over the edges, q being `1 / (1 + d²)` over its sum over all pairs.
  package static func divergence(
    _ graph: SparseGraph, _ coordinates: [Double], normalization: Double
  ) -> Double {
    var sum = 0.0
    for i in 0..<graph.count {
      for e in Int(graph.starts[i])..<Int(graph.starts[i + 1]) {
        let (j, p) = (Int(graph.columns[e]), Double(graph.weights[e]))
        if p <= 0 { continue }
        let dx = coordinates[2 * i] - coordinates[2 * j]
        let dy = coordinates[2 * i + 1] - coordinates[2 * j + 1]
        sum += p * log(p * normalization * (1 + dx * dx + dy * dy))
      }
    }
    return sum
  }
}
