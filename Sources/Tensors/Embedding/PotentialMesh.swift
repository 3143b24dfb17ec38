internal import CKernels
internal import Glibc

/// The mesh of `CKernels/embedding/mesh.h`, as large as the points need.
///
/// Nodes are a third of a unit apart, a unit being where the kernel `1 / (1 + r²)` has fallen to its half:
/// cubic splines then tell the force of a near point to some hundredths, and the sum of many to less
/// (tested). Points that lie close together get a finer
/// mesh, those that lie very far apart a coarser one.
final class PotentialMesh {
  private let kernels: decaf_embedding_kernels
  /// Its pointers are this object's own.
  private var mesh = decaf_mesh()

  static let widest: Float = 0.34375
  static let finest: Float = 0.04296875
  static let largestSize = 4096
  /// Nodes that the splines of the outermost points need beyond them, on both sides together.
  private static let border = 5

  init(_ kernels: decaf_embedding_kernels) { self.kernels = kernels }

  deinit { release() }

  private func release() {
    for pointer in [mesh.kernel, mesh.nodes, mesh.re, mesh.im] { free(pointer) }
    free(UnsafeMutableRawPointer(mutating: mesh.twiddles))
  }

  /// The smallest size of a transform, and the distance of nodes, for points that extend so far.
  static func shape(extent: Float) -> (size: Int, spacing: Float) {
    var spacing = finest
    while spacing < widest, Int(extent / spacing) + border > 64 { spacing *= 2 }
    while Int(extent / spacing) + border > largestSize / 2 { spacing *= 2 }
    let needed = 2 * (Int(extent / spacing) + border)
    var best = largestSize
    for factor in [1, 3, 5] {
      var size = 64 * factor
      while size < needed { size *= 2 }
      best = min(best, size)
    }
    return (best, spacing)
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
    let (size, spacing) = Self.shape(extent: max(highX - lowX, highY - lowY))
    if mesh.size != size || mesh.spacing != spacing { make(size, spacing) }
    // Two nodes below the lowest point.
    mesh.left = lowX - 1.5 * spacing
    mesh.bottom = lowY - 1.5 * spacing
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
    kernels.mesh_kernel(&mesh, scratch, table)
    free(table)
    free(scratch)
  }
}
