internal import COpenBLAS

/// Eigenvalues and eigenvectors of symmetric matrices, by LAPACK's `dsyevr` (multiple relatively
/// robust representations: Dhillon and Parlett, 2004).
package enum SymmetricEigenproblem {
  /// The largest eigenvalues of `matrix`, descending, and their vectors of length 1.
  ///
  /// - Parameters:
  ///   - matrix: `order×order`, symmetric; only one triangle is read, and the memory is used.
  ///   - count: eigenvalues wanted, at most `order`.
  /// - Returns: `count` values, and `count×order` vectors, a row each; their signs are arbitrary.
  /// - Throws: `LinearAlgebraError`.
  package static func largest(
    _ count: Int, of matrix: consuming [Double], order: Int
  ) throws(LinearAlgebraError) -> (values: [Double], vectors: [Double]) {
    precondition(matrix.count == order * order && (1...order).contains(count), "no such matrix")
    let table = try OpenBLAS.load().table.pointee
    var a = matrix
    var values = [Double](repeating: 0, count: order)
    var vectors = [Double](repeating: 0, count: count * order)
    var support = [Int32](repeating: 0, count: 2 * count)
    let n = Int32(order)
    // Ascending from 1: the last ones are the largest.
    let (first, last) = (Int32(order - count + 1), Int32(order))
    var (found, code): (Int32, Int32) = (0, 0)
    func call(_ work: inout [Double], _ integers: inout [Int32], sizes: Int32?) {
      withUnsafePointer(to: n) { n in
        // A size of −1 asks for the best sizes.
        table.dsyevr(
          "V", "I", "L", n, &a, n, [0], [0], [first], [last], [0], &found, &values, &vectors, n,
          &support, &work, [sizes ?? Int32(work.count)], &integers,
          [sizes ?? Int32(integers.count)], &code, 1, 1, 1)
      }
    }
    var (work, integers): ([Double], [Int32]) = ([0], [0])
    call(&work, &integers, sizes: -1)
    work = [Double](repeating: 0, count: Int(work[0]))
    integers = [Int32](repeating: 0, count: Int(integers[0]))
    call(&work, &integers, sizes: nil)
    guard code == 0, found == count else {
      throw .notConverged(routine: "dsyevr", code: Int(code))
    }
    let descending = (0..<count).reversed()
    return (
      descending.map { values[$0] },
      descending.flatMap { vectors[$0 * order..<($0 + 1) * order] }
    )
  }
}
