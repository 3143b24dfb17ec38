internal import CKernels
internal import Glibc

/// Points of the plane that attract each other along edges and repel each other all: the motion of
/// t-SNE (van der Maaten and Hinton, “Visualizing data using t-SNE”, 2008).
///
/// With `q_ij = 1 / (1 + |r_i − r_j|²)` and `Z = Σ q`, the gradient is, but for a factor of 4,
/// `Σ_j p_ij·q_ij·(r_i − r_j) − Σ_j q_ij²·(r_i − r_j) / Z`. All bits are the same for any team.
package final class PlaneMotion: @unchecked Sendable {
  // Invariant behind `@unchecked`: one thread calls; the loops of its team write to disjoint places.
  package let count: Int
  private let kernels: decaf_embedding_kernels
  private let mesh: PotentialMesh?
  private let graph: SparseGraph
  /// `[x…, y…]`, as all that follow.
  private let positions, velocities, gains, attractions, repulsions: UnsafeMutablePointer<Float>
  private let sums: UnsafeMutablePointer<Double>
  private let blocks: [Range<Int>]
  /// Z of the last `computeForces`.
  package private(set) var normalization = 0.0

  /// Up to so many points all pairs take less time than the mesh.
  package static let mostExact = 3000

  /// - Parameters:
  ///   - positions: x of every point, then y of every point; finite.
  ///   - isExact: whether repulsion is summed over all pairs; nil decides by the number of points.
  package init(_ positions: [Float], _ graph: SparseGraph, isExact: Bool? = nil) {
    count = graph.count
    precondition(count > 0 && positions.count == 2 * count, "two coordinates a point")
    self.graph = graph
    kernels = KernelClass.supported.last!.runnableSet.embedding!.pointee
    mesh = isExact ?? (count <= Self.mostExact) ? nil : PotentialMesh(kernels)
    func numbers(_ value: Float, _ count: Int) -> UnsafeMutablePointer<Float> {
      let memory = UnsafeMutablePointer<Float>.allocate(capacity: count)
      memory.initialize(repeating: value, count: count)
      return memory
    }
    self.positions = numbers(0, 2 * count)
    for (i, value) in positions.enumerated() { self.positions[i] = value }
    velocities = numbers(0, 2 * count)
    gains = numbers(1, 2 * count)
    attractions = numbers(0, 2 * count)
    repulsions = numbers(0, 2 * count)
    let size = 512
    blocks = stride(from: 0, to: count, by: size).map { [count] in $0..<min($0 + size, count) }
    sums = .allocate(capacity: blocks.count)
  }

  deinit {
    for pointer in [positions, velocities, gains, attractions, repulsions] { pointer.deallocate() }
    sums.deallocate()
  }

  /// Attractions and repulsions where the points are now.
  package func computeForces(team: ThreadTeam) {
    sums.initialize(repeating: 0, count: blocks.count)
    let n = count
    team.forEach(blocks.count) { [self] block, _ in
      let range = blocks[block]
      graph.starts.withUnsafeBufferPointer { starts in
        graph.columns.withUnsafeBufferPointer { columns in
          graph.weights.withUnsafeBufferPointer { weights in
            kernels.attraction(
              positions, positions + n, starts.baseAddress, columns.baseAddress,
              weights.baseAddress, range.lowerBound, range.upperBound, attractions,
              attractions + n)
          }
        }
      }
      if mesh == nil {
        kernels.repulsion(
          positions, positions + n, n, range.lowerBound, range.upperBound, repulsions,
          repulsions + n, sums + block)
      }
    }
    if let mesh {
      mesh.repulsion(
        positions, positions + n, count: n, fx: repulsions, fy: repulsions + n, blocks: blocks,
        sums: sums, team: team)
    }
    normalization = (0..<blocks.count).reduce(0) { $0 + sums[$1] }
    normalization = max(normalization, 1e-12)
  }

  /// One step along the forces, then the points' mean to the origin.
  package func descend(exaggeration: Float, momentum: Float, rate: Float) {
    kernels.descend(
      positions, velocities, gains, attractions, repulsions, exaggeration,
      Float(1 / normalization), momentum, rate, 2 * count)
    for axis in 0..<2 {
      let values = positions + axis * count
      var sum = 0.0
      for i in 0..<count { sum += Double(values[i]) }
      let mean = Float(sum / Double(count))
      for i in 0..<count { values[i] -= mean }
    }
  }

  /// The gradient over 4, as the last forces give it: x of every point, then y.
  package func gradient(exaggeration: Float = 1) -> [Float] {
    let scale = Float(1 / normalization)
    return (0..<2 * count).map { exaggeration * attractions[$0] - repulsions[$0] * scale }
  }

  /// x of every point, then y of every point.
  package var coordinates: [Float] {
    Array(UnsafeBufferPointer(start: positions, count: 2 * count))
  }
}
