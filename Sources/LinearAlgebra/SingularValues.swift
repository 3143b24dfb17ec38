internal import COpenBLAS

/// The singular value decomposition `A = Σ s_k · u_k · v_kᵀ`, by LAPACK's `dgesdd` (divide and
/// conquer).
package struct SingularValues: Sendable {
  /// Descending; as many as the smaller side of the matrix.
  package let values: [Double]
  /// `values.count×rows`: a row holds `u_k`, of length 1.
  package let left: [Double]
  /// `values.count×columns`: a row holds `v_k`, of length 1.
  package let right: [Double]

  /// - Parameter matrix: `rows×columns`, row-major, finite.
  /// - Throws: `LinearAlgebraError`.
  package init(
    of matrix: consuming [Double], rows: Int, columns: Int
  ) throws(LinearAlgebraError) {
    precondition(rows > 0 && columns > 0 && matrix.count == rows * columns, "no such matrix")
    let table = try OpenBLAS.load().table.pointee
    var a = matrix
    let count = min(rows, columns)
    // LAPACK stores by columns: to it, this is the transpose, whose left vectors are our right ones.
    let (m, n, k) = (Int32(columns), Int32(rows), Int32(count))
    var values = [Double](repeating: 0, count: count)
    var right = [Double](repeating: 0, count: count * columns)
    var byColumns = [Double](repeating: 0, count: count * rows)
    var integers = [Int32](repeating: 0, count: 8 * count)
    var code: Int32 = 0
    func call(_ work: inout [Double], size: Int32) {
      table.dgesdd(
        "S", [m], [n], &a, [m], &values, &right, [m], &byColumns, [k], &work, [size], &integers,
        &code, 1)
    }
    var work = [0.0]
    call(&work, size: -1)  // asks for the best size
    work = [Double](repeating: 0, count: Int(work[0]))
    call(&work, size: Int32(work.count))
    guard code == 0 else { throw .notConverged(routine: "dgesdd", code: Int(code)) }
    self.values = values
    self.right = right
    // VT is count×rows by columns: row i of it lies in steps of `count`.
    left = (0..<count).flatMap { i in (0..<rows).map { byColumns[$0 * count + i] } }
  }
}
