internal import Communication
internal import Tensors

/// What a rank computes with: its threads, its kernels, and the other ranks.
final class Machine {
  let communicator: any Communicator
  let team: ThreadTeam
  let products: TrainingKernels
  let kernels: LayerKernels
  let kernelClass: KernelClass
  /// Memory of each thread's own.
  let workspaces: [Workspace]
  /// Memory that all threads work in together.
  let shared = Workspace()

  init(_ communicator: any Communicator, team: ThreadTeam, kernelClass: KernelClass) {
    (self.communicator, self.team) = (communicator, team)
    products = TrainingKernels(kernelClass)
    kernels = LayerKernels(kernelClass)
    self.kernelClass = kernelClass
    workspaces = (0..<team.threadCount).map { _ in Workspace() }
  }

  /// What travels, by its length: memory that is made anew for each step is cleared each time.
  private var pairs: [Int: [Int64]] = [:]

  /// Adds over ranks the 64-bit integers that a buffer holds. Collective.
  func sum(_ part: BufferPart) throws {
    if communicator.size == 1 { return }
    let count = part.pairCount
    var pairs = pairs.removeValue(forKey: count) ?? [Int64](repeating: 0, count: count)
    part.copyBitPairs(to: &pairs)
    try communicator.allreduce(&pairs, .sum)
    part.setBitPairs(pairs)
    self.pairs[count] = pairs
  }

  /// Gives every rank the whole of a buffer of which each has filled a part, the rest being zero.
  ///
  /// Collective. Bits are added as integers, so what one rank has comes through as it is.
  func share(_ part: BufferPart) throws { try sum(part) }

  /// The same for doubles.
  func share(_ values: inout [Double]) throws {
    if communicator.size == 1 { return }
    var bits = values.map { Int64(bitPattern: $0.bitPattern) }
    try communicator.allreduce(&bits, .sum)
    values = bits.map { Double(bitPattern: UInt64(bitPattern: $0)) }
  }

  /// The largest of the ranks' numbers, which are not negative; NaN and infinity are larger than all.
  /// Collective.
  func largest(_ value: Float) throws -> Float {
    var values = [value]
    try largest(&values)
    return values[0]
  }

  /// The same for each of several.
  func largest(_ values: inout [Float]) throws {
    if communicator.size == 1 { return }
    var bits = values.map { Int64($0.bitPattern) }
    try communicator.allreduce(&bits, .maximum)
    values = bits.map { Float(bitPattern: UInt32($0)) }
  }
}

/// Memory that one thread works in, or all together, made as large as it is asked for.
final class Workspace: @unchecked Sendable {
  // Invariant behind `@unchecked`: a workspace belongs to one thread of a team while a loop runs; the
  // shared one is made as large as need be before.
  private var buffers = Purpose.allCases.map { _ in FloatBuffer(count: 0) }
  let packed = PackedMatrix<Float>()

  /// What layers keep apart in a thread's memory.
  enum Purpose: Int, CaseIterable { case rows, turned, term, scratch, transformed, sums, units }

  /// `count` floats, whose values are whatever was there.
  func part(_ purpose: Purpose, _ count: Int) -> BufferPart {
    BufferPart(buffer(purpose, count), 0..<count)
  }

  /// At least `count` floats, likewise.
  func buffer(_ purpose: Purpose, _ count: Int) -> FloatBuffer {
    if buffers[purpose.rawValue].count < count {
      buffers[purpose.rawValue] = FloatBuffer(count: count)
    }
    return buffers[purpose.rawValue]
  }
}
