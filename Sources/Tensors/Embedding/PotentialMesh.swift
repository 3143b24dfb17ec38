internal import CKernels
internal import Glibc

/// The mesh of `CKernels/embedding/mesh.h`, as large as the points need.
///
/// Nodes are 0.28 of a unit apart, a unit being where the kernel `1 / (1 + r²)` has fallen to its half:
/// quintic splines then tell the force of a near point to some thousandths (tested), and t-SNE ends
/// where all pairs would bring it. Points that lie close together get a finer mesh (too fine a one, and
/// what undoes the splines makes much of rounding), those that lie very far apart a coarser one.
final class PotentialMesh {
  private let kernels: decaf_embedding_kernels
  /// Its pointers are this object's own.
  private var mesh = decaf_mesh()

  static let widest: Float = 0.28
  static let finest: Float = 0.14
  static let largestSize = 8192
  private static let order = Int(DECAF_MESH_SPLINE)
  /// Nodes below the lowest point, to the middle of which it is put.
  private static let below = Float(order / 2) - 0.5
  /// Nodes that a row of points needs beyond its extent: for splines at both ends, what is cut off,
  /// and the two that `mesh_gather` reads beyond.
  private static let border = order + 3

  init(_ kernels: decaf_embedding_kernels) { self.kernels = kernels }

  deinit { release() }

  private func release() {
    for pointer in [mesh.kernel, mesh.nodes, mesh.re, mesh.im] { free(pointer) }
    free(UnsafeMutableRawPointer(mutating: mesh.twiddles))
  }

  /// The distance of nodes, and how many of them along an axis, for points that extend so far.
  static func shape(extent: Float) -> (nodes: Int, spacing: Float) {
    var spacing = finest
    while spacing < widest, Int(extent / spacing) + border > 64 { spacing *= 2 }
    while Int(extent / spacing) + border > largestSize / 2 { spacing *= 2 }
    return (Int(extent / spacing) + border, spacing)
  }

  /// The lengths of transforms: multiples of 64 without prime factors other than 2, 3 and 5.
  static let sizes = stride(from: 64, through: largestSize, by: 64).filter { size in
    var rest = size
    for factor in [2, 3, 5] { while rest % factor == 0 { rest /= factor } }
    return rest == 1
  }

  /// What makes up for the splines of masses and of the potential: a factor for each frequency.
  ///
  /// With U the transform of a spline, and U² summed over the frequencies that the nodes cannot tell
  /// apart, `U² / (ΣU²)²` errs least over all places of two points (Hockney and Eastwood, *Computer
  /// Simulation Using Particles*, 1981, section 8-3).
  static func unsplined(size: Int) -> [Double] {
    (0..<size).map { k in
      let frequency = Double(min(k, size - k)) / Double(size)
      let squares = (-4...4).map { alias -> Double in
        let angle = Double.pi * (frequency + Double(alias))
        return angle == 0 ? 1 : pow(sin(angle) / angle, 2 * Double(order))
      }
      let sum = squares.reduce(0, +)
      return squares[4] / (sum * sum)
    }
  }

  /// Masses, potential and its gradient; see `mesh_gather`.
  ///
  /// - Parameter blocks: of points, each with a sum of its own.
  func repulsion(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int,
    fx: UnsafeMutablePointer<Float>, fy: UnsafeMutablePointer<Float>, blocks: [Range<Int>],
    sums: UnsafeMutablePointer<Double>, team: ThreadTeam
  ) {
    place(x, y, count)
    // Invariant behind `nonisolated(unsafe)`: iterations of one loop write to disjoint places.
    nonisolated(unsafe) let (mesh, x, y, fx, fy, sums) = (mesh, x, y, fx, fy, sums)
    let kernels = kernels
    let size = mesh.size
    nonisolated(unsafe) let scratch = UnsafeMutablePointer<Float>.allocate(
      capacity: team.threadCount * 64 * size)
    defer { scratch.deallocate() }
    let bands = 8
    withUnsafePointer(to: mesh) { pointer in
      nonisolated(unsafe) let mesh = pointer
      team.forEach(bands) { band, _ in
        kernels.mesh_spread(
          mesh, x, y, count, band * (size / 2) / bands, (band + 1) * (size / 2) / bands)
      }
      team.forEach(size / 64) { kernels.mesh_forward(mesh, $0, scratch + $1 * 64 * size) }
      team.forEach(mesh.pointee.columns / 16) {
        kernels.mesh_convolve(mesh, $0, scratch + $1 * 64 * size)
      }
      team.forEach(size / 64) { kernels.mesh_backward(mesh, $0, scratch + $1 * 64 * size) }
      team.forEach(blocks.count) { block, _ in
        kernels.mesh_gather(
          mesh, x, y, blocks[block].lowerBound, blocks[block].upperBound, fx, fy, sums + block)
      }
    }
  }

  /// Lays the mesh over the points.
  private func place(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int) {
    var (lowX, highX, lowY, highY) = (x[0], x[0], y[0], y[0])
    for i in 0..<count {
      (lowX, highX) = (min(lowX, x[i]), max(highX, x[i]))
      (lowY, highY) = (min(lowY, y[i]), max(highY, y[i]))
    }
    let (nodes, spacing) = Self.shape(extent: max(highX - lowX, highY - lowY))
    // A mesh that is a little too large serves on: points that swing would have it made again and again.
    if mesh.spacing != spacing || mesh.size < 2 * nodes || mesh.size > 3 * nodes {
      make(Self.sizes.first { $0 >= 2 * nodes }!, spacing)
    }
    mesh.left = lowX - Self.below * spacing
    mesh.bottom = lowY - Self.below * spacing
  }

  private func make(_ size: Int, _ spacing: Float) {
    release()
    let columns = (size / 2 + 16) / 16 * 16
    func zeros(_ count: Int) -> UnsafeMutablePointer<Float> {
      guard let memory = calloc(count, MemoryLayout<Float>.stride) else {
        fatalError("out of memory: \(count) numbers of a mesh")
      }
      return memory.bindMemory(to: Float.self, capacity: count)
    }
    mesh.size = size
    mesh.spacing = spacing
    mesh.columns = columns
    mesh.kernel = zeros(size * columns)
    mesh.nodes = zeros(size / 2 * (size / 2))
    mesh.re = zeros(columns * (size / 2))
    mesh.im = zeros(columns * (size / 2))
    let table = zeros(size * columns)
    let twiddles = zeros(2 * size)
    let scratch = zeros(64 * size)
    for i in 0..<size {
      let angle = 2 * Double.pi * Double(i) / Double(size)
      twiddles[2 * i] = Float(cos(angle))
      twiddles[2 * i + 1] = Float(-sin(angle))
    }
    mesh.twiddles = UnsafePointer(twiddles)
    kernels.mesh_kernel(&mesh, Self.unsplined(size: size), scratch, table)
    free(table)
    findOwnPotential(scratch)
    free(scratch)
  }

  /// The potential about a mass on one node.
  private func findOwnPotential(_ scratch: UnsafeMutablePointer<Float>) {
    var mesh = mesh
    let (side, middle, order) = (mesh.size / 2, mesh.size / 4, Self.order)
    let nodes = mesh.nodes!
    nodes[middle * side + middle] = 1
    for tile in 0..<mesh.size / 64 { kernels.mesh_forward(&mesh, tile, scratch) }
    for tile in 0..<mesh.columns / 16 { kernels.mesh_convolve(&mesh, tile, scratch) }
    for tile in 0..<mesh.size / 64 { kernels.mesh_backward(&mesh, tile, scratch) }
    withUnsafeMutableBytes(of: &mesh.own) { own in
      let own = own.assumingMemoryBound(to: Float.self)
      for k in 0..<order {
        for l in 0..<order { own[order * k + l] = nodes[(middle + k) * side + middle + l] }
      }
    }
    self.mesh = mesh
  }
}
