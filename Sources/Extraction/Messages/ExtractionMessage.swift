package import Communication
internal import ConvNet
internal import FeatureStore
package import Files
internal import Images

/// What the coordinator tells a worker.
package enum WorkerOrder: Equatable, Sendable {
  case extract(Batch)
  /// Finish the images in hand, and hand back what is not begun.
  case stop
  /// No more batches will come.
  case finish

  package static let tag = Tag(rawValue: 1)
}

/// What a worker tells the coordinator.
package enum WorkerReport: Equatable, Sendable {
  case finished(BatchResult)
  /// A signal asked this worker to stop; the whole job should.
  case stopRequested(String)
  /// After a stop an image takes too long: all that this worker was given is handed back.
  case abandoned

  package static let tag = Tag(rawValue: 2)
}

extension WorkerOrder {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    switch self {
    case .finish:
      writer.write(UInt8(0))
    case .stop:
      writer.write(UInt8(2))
    case .extract(let batch):
      writer.write(UInt8(1))
      writer.write(batch.rows)
      writer.write(batch.isSuspect)
      writer.write(batch.items) { $0.write($1) }
    }
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws { try self.init(decoding: SharedBytes(bytes)) }

  package init(decoding bytes: SharedBytes) throws {
    var reader = ByteReader(bytes)
    switch try reader.integer(UInt8.self) {
    case 0:
      self = .finish
    case 1:
      let rows = try reader.range()
      let isSuspect = try reader.bool()
      let items = try reader.array { reader throws(ByteCodecError) in try reader.batchItem() }
      guard items.count == rows.count else {
        throw ByteCodecError.invalid("\(items.count) items for \(rows.count) rows")
      }
      self = .extract(Batch(rows: rows, items: items, isSuspect: isSuspect))
    case 2:
      self = .stop
    case let other:
      throw ByteCodecError.invalid("order \(other)")
    }
  }
}

extension WorkerReport {
  /// The parts of the message; rows follow all else and are not copied.
  package var encoded: [SharedBytes] {
    var writer = ByteWriter()
    switch self {
    case .stopRequested(let signal):
      writer.write(UInt8(0))
      writer.write(signal)
    case .abandoned:
      writer.write(UInt8(2))
    case .finished(let result):
      writer.write(UInt8(1))
      writer.write(result.rows)
      writer.write(result.returned)
      writer.write(result.parts) { $0.write($1) }
      writer.write(result.unreadable) { $0.write($1) }
      writer.write(result.timing)
    }
    return writer.message
  }

  /// Rows of the result stay where the bytes are.
  package init(decoding bytes: SharedBytes) throws {
    var reader = try ByteReader(message: bytes)
    switch try reader.integer(UInt8.self) {
    case 0:
      self = .stopRequested(try reader.string())
    case 1:
      let rows = try reader.range()
      let returned = try reader.range()
      let parts = try reader.array { reader throws(ByteCodecError) in try reader.part() }
      let unreadable = try reader.array { reader throws(ByteCodecError) in
        try reader.rowException()
      }
      guard returned.upperBound == rows.upperBound, returned.lowerBound >= rows.lowerBound,
        areInOrder(unreadable.map(\.row), within: rows),
        Self.areWhole(
          rows.lowerBound..<returned.lowerBound, parts.map(\.finished.rows), unreadable.map(\.row))
      else { throw ByteCodecError.invalid("other rows than \(rows)") }
      self = .finished(
        BatchResult(
          rows: rows, returned: returned, parts: parts, unreadable: unreadable,
          timing: try reader.workTiming()))
    case 2:
      self = .abandoned
    case let other:
      throw ByteCodecError.invalid("report \(other)")
    }
  }
}

extension WorkerReport {
  /// Whether `rows` are just these parts, which come in order, and these single rows between them.
  private static func areWhole(_ rows: Range<Int>, _ parts: [Range<Int>], _ others: [Int]) -> Bool {
    var next = rows.lowerBound
    var others = others[...]
    for part in parts + [rows.upperBound..<rows.upperBound] {
      while next < part.lowerBound, others.first == next {
        others.removeFirst()
        next += 1
      }
      if part.lowerBound != next { return false }
      next = part.upperBound
    }
    return next == rows.upperBound && others.isEmpty
  }
}

private func areInOrder(_ numbers: [Int], within rows: Range<Int>) -> Bool {
  numbers.allSatisfy(rows.contains) && zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }
}

extension ByteWriter {
  mutating func write(_ item: BatchItem) {
    write(item.location.bytes)
    write(item.box.map { [$0] } ?? []) { writer, box in
      for value in [box.x, box.y, box.width, box.height] { writer.write(Int64(value)) }
    }
    write(item.defect.map { [$0] } ?? []) { $0.write($1) }
  }

  fileprivate mutating func write(_ exception: RowException) {
    write(Int64(exception.row))
    write(exception.status == .failed)
    write(exception.message)
  }

  fileprivate mutating func write(_ part: BatchResult.Part) {
    write(part.finished.rows)
    write(part.finished.exceptions) { $0.write($1) }
    write(Int64(part.finished.overflowCount))
    write(part.finished.checksums) { $0.write($1) }
    write(part.data) { $0.writeLong($1) }
  }

  fileprivate mutating func write(_ timing: WorkTiming) {
    write(Int64(timing.images))
    write(Int64(timing.failures))
    for part in WorkTiming.parts { write(timing[keyPath: part]) }
    write(timing.layers) { writer, time in
      writer.write(time.layer)
      writer.write(time.seconds)
    }
  }
}

extension ByteReader {
  mutating func batchItem() throws(ByteCodecError) -> BatchItem {
    let location = ByteString(try byteArray())
    let boxes = try array { reader throws(ByteCodecError) in
      let values = [
        try reader.integer(Int64.self), try reader.integer(Int64.self),
        try reader.integer(Int64.self), try reader.integer(Int64.self),
      ].map { Int($0) }
      return Box(x: values[0], y: values[1], width: values[2], height: values[3])
    }
    let defects = try array { reader throws(ByteCodecError) in try reader.string() }
    return BatchItem(location: location, box: boxes.first, defect: defects.first)
  }

  fileprivate mutating func rowException() throws(ByteCodecError) -> RowException {
    RowException(
      row: Int(try integer(Int64.self)), status: try bool() ? .failed : .ok,
      message: try string())
  }

  fileprivate mutating func part() throws(ByteCodecError) -> BatchResult.Part {
    let rows = try range()
    let exceptions = try array { reader throws(ByteCodecError) in try reader.rowException() }
    guard areInOrder(exceptions.map(\.row), within: rows) else {
      throw ByteCodecError.invalid("exceptions beyond rows \(rows) or out of order")
    }
    let finished = FinishedRows(
      rows: rows, exceptions: exceptions, overflowCount: Int(try integer(Int64.self)),
      checksums: try array { reader throws(ByteCodecError) in try reader.integer() })
    return BatchResult.Part(
      finished: finished,
      data: try array { reader throws(ByteCodecError) in try reader.longBytes() })
  }

  fileprivate mutating func workTiming() throws(ByteCodecError) -> WorkTiming {
    var timing = WorkTiming()
    timing.images = Int(try integer(Int64.self))
    timing.failures = Int(try integer(Int64.self))
    for part in WorkTiming.parts { timing[keyPath: part] = try double() }
    timing.layers = try array { reader throws(ByteCodecError) in
      LayerTime(layer: try reader.string(), seconds: try reader.double())
    }
    return timing
  }
}
