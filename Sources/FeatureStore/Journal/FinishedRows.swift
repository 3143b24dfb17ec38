package import Files
internal import Tensors

/// Whether a row holds an image's activations.
package enum RowStatus: String, Sendable, Hashable, Codable {
  case ok, failed
}

/// A row about which there is something to say.
package struct RowException: Equatable, Sendable {
  package let row: Int
  package let status: RowStatus
  /// Why it failed, or what the decoder warned of; the same on every run.
  package let message: String

  package init(row: Int, status: RowStatus, message: String) {
    self.row = row
    self.status = status
    self.message = message
  }
}

/// A batch whose rows are computed: what the journal keeps of it.
package struct FinishedRows: Equatable, Sendable {
  package let rows: Range<Int>
  /// Failed rows and rows with a warning, ascending; all others are `ok` without a message.
  package let exceptions: [RowException]
  /// Finite values that became infinite in float16.
  package let overflowCount: Int
  /// CRC-32C of the rows' bytes, one for each layer in the store's order; empty when they are not
  /// known.
  package let checksums: [UInt32]

  package init(
    rows: Range<Int>, exceptions: [RowException], overflowCount: Int, checksums: [UInt32]
  ) {
    precondition(exceptions.allSatisfy { rows.contains($0.row) }, "an exception beyond its batch")
    precondition(
      zip(exceptions, exceptions.dropFirst()).allSatisfy { $0.row < $1.row },
      "exceptions out of order")
    self.rows = rows
    self.exceptions = exceptions
    self.overflowCount = overflowCount
    self.checksums = checksums
  }

  /// The batch with the checksums of `data`, the rows' bytes layer by layer.
  package init(
    rows: Range<Int>, exceptions: [RowException], overflowCount: Int, data: [[UInt8]]
  ) {
    self.init(
      rows: rows, exceptions: exceptions, overflowCount: overflowCount,
      data: data.map { SharedBytes($0) })
  }

  /// The batch with the checksums of `data`, the rows' bytes layer by layer.
  package init(
    rows: Range<Int>, exceptions: [RowException], overflowCount: Int, data: [SharedBytes]
  ) {
    self.init(
      rows: rows, exceptions: exceptions, overflowCount: overflowCount,
      checksums: data.map(CRC32C.of))
  }
}
