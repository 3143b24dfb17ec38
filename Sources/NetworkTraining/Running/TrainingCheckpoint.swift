internal import Communication
internal import Files
internal import Formats
internal import Tensors

/// A training that is not finished, in a safetensors file.
///
/// Tensors `LAYER.NAME` are the numbers of what is learned, `LAYER.NAME.history` the descent's memory of
/// them; the last, `crc32c`, is the checksum of job and state, as written, and of all others' bytes.
/// Metadata: `format`, `job` (what decides the bytes, JSON), `state` (JSON).
struct TrainingCheckpoint {
  let path: String
  let job: JSONValue

  private static let format = "decaf-network-checkpoint"
  private static let checksumName = "crc32c"

  /// The parameters' buffers in the order of the file.
  private static func entries(
    _ parameters: [TrainedParameter]
  ) -> [(name: String, parameter: TrainedParameter, buffer: FloatBuffer)] {
    parameters.filter(\.isLearned).flatMap { parameter in
      let name = "\(parameter.layer).\(parameter.name)"
      return [
        (name, parameter, parameter.values), (name + ".history", parameter, parameter.history),
      ]
    }
  }

  /// Writes the file on rank 0; it appears when it is complete. Collective.
  ///
  /// - Throws: `JobFailure`.
  func write(_ parameters: [TrainedParameter], _ state: TrainingState, _ machine: Machine) throws {
    let entries = Self.entries(parameters)
    let isRoot = machine.communicator.isRoot
    let stateText = try JSONValue(encoding: state).compactText
    let writer = try machine.communicator.agree {
      try isRoot ? makeWriter(entries.map { ($0.name, $0.parameter.shape) }, stateText) : nil
    }
    var checksum = CRC32C()
    checksum.update(Array((job.compactText + stateText).utf8))
    for entry in entries {
      for slice in entry.parameter.slices {
        let numbers = try machine.gather(entry.parameter, entry.buffer, rows: slice)
        guard let writer else { continue }
        checksum.update(NumberBytes.bytes(numbers))
        try writing { () throws(SystemError) in try writer.append(numbers.span) }
      }
    }
    try machine.communicator.agree {
      guard let writer else { return }
      try writing { () throws(SystemError) in
        try writer.append([Double(checksum.value)].span)
        try writer.finish()
      }
    }
  }

  private func writing(_ body: () throws(SystemError) -> Void) throws(TrainingError) {
    do throws(SystemError) { try body() } catch { throw .cannotWrite(error) }
  }

  private func makeWriter(
    _ tensors: [(name: String, shape: [Int])], _ stateText: String
  ) throws -> SafetensorsWriter {
    let metadata = ["format": Self.format, "job": job.compactText, "state": stateText]
    do throws(SystemError) {
      return try SafetensorsWriter(
        path, metadata: metadata,
        tensors: tensors.map { SafetensorsWriter.Description($0.name, $0.shape) }
          + [.init(Self.checksumName, [1], .float64)])
    } catch { throw TrainingError.cannotWrite(error) }
  }

  /// Takes up what the file has, if there is one. Collective.
  ///
  /// - Parameter startsAnew: a file that is damaged, or of another training, is passed over.
  /// - Returns: how far the training is; nil to begin.
  /// - Throws: `JobFailure`.
  func read(
    into parameters: [TrainedParameter], startsAnew: Bool, _ machine: Machine
  ) throws -> TrainingState? {
    let entries = Self.entries(parameters)
    let isRoot = machine.communicator.isRoot
    let found = try machine.communicator.agree {
      () throws -> (file: SafetensorsFile, state: TrainingState)? in
      guard isRoot, try FileSystem.byteCount(of: path) != nil else { return nil }
      do { return try open(entries.map { ($0.name, $0.parameter.shape) }) } catch  where startsAnew
      {
        return nil
      }
    }
    var text = try found.map { Array(try JSONValue(encoding: $0.state).compactText.utf8) } ?? []
    try machine.communicator.broadcast(&text, root: 0)
    if text.isEmpty { return nil }
    for entry in entries {
      let (parameter, length) = (entry.parameter, entry.parameter.rowLength)
      for slice in parameter.slices {
        let range = slice.lowerBound * length..<slice.upperBound * length
        let numbers = try found?.file.storedFloats(entry.name).floats(range) ?? []
        var bytes = NumberBytes.bytes(numbers)
        try machine.communicator.broadcast(&bytes, root: 0)
        if parameter.isWhole || parameter.rows.contains(slice.lowerBound) {
          parameter.set(entry.buffer, rows: slice, NumberBytes.numbers(bytes))
        }
      }
    }
    return try JSONValue(parsing: text).decoded(TrainingState.self)
  }

  /// Reads the file and compares it with the training.
  private func open(
    _ tensors: [(name: String, shape: [Int])]
  ) throws -> (file: SafetensorsFile, state: TrainingState) {
    func invalid(_ reason: String) -> TrainingError {
      .invalidCheckpoint(path: path, reason: reason)
    }
    let file: SafetensorsFile
    do { file = try SafetensorsFile(path) } catch { throw invalid("\(error)") }
    guard file.metadata["format"] == Self.format, let text = file.metadata["job"],
      let stateText = file.metadata["state"]
    else { throw invalid("it is no checkpoint of a network's training") }
    guard let other = try? JSONValue(parsing: Array(text.utf8)) else {
      throw invalid("its job is no JSON")
    }
    let differences = job.differences(from: other).map {
      "\($0.keyPath): the checkpoint has \($0.other), this training \($0.own)"
    }
    if !differences.isEmpty {
      throw TrainingError.otherTraining(path: path, differences: differences)
    }
    var checksum = CRC32C()
    checksum.update(Array((text + stateText).utf8))
    for tensor in tensors {
      guard let found = file.tensor(named: tensor.name), found.shape == tensor.shape,
        found.dtype == "F32"
      else { throw invalid("its tensor \(tensor.name) is missing or has another shape or type") }
      try file.storedFloats(tensor.name).forEachPiece { (piece: Span<Float>) throws(Never) in
        piece.withUnsafeBytes { checksum.update($0) }
      }
    }
    guard let stored = try? file.doubles(Self.checksumName), stored == [Double(checksum.value)]
    else {
      throw invalid("its checksum is wrong")
    }
    do {
      let state = try JSONValue(parsing: Array(stateText.utf8)).decoded(TrainingState.self)
      return (file, state)
    } catch { throw invalid("its state is not understood: \(error)") }
  }
}

extension Machine {
  /// Some rows of a parameter's buffer, in the order of files, on rank 0; nothing elsewhere.
  /// Collective.
  ///
  /// - Parameter slice: one of the parameter's slices.
  func gather(
    _ parameter: TrainedParameter, _ buffer: FloatBuffer, rows slice: Range<Int>
  ) throws -> [Float] {
    let isOwn =
      parameter.isWhole
      ? communicator.rank == 0 : parameter.rows.contains(slice.lowerBound)
    let own = isOwn ? parameter.numbers(buffer, rows: slice) : []
    if communicator.size == 1 || parameter.isWhole { return own }
    let parts = try communicator.gather(NumberBytes.bytes(own), root: 0)
    return NumberBytes.numbers(parts.first { !$0.isEmpty } ?? [])
  }
}
