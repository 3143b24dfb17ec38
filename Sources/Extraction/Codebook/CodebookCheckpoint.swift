internal import Descriptors
package import Files
package import Formats
internal import Tensors

/// A codebook that is not finished, in a safetensors file.
///
/// Tensors: `outcomes` (F64, a number for each image, see `CodebookProgress`), `descriptors` (F32, n×128),
/// `words` (F32, k×128), `squares` (F64, one a descriptor while words are chosen, else none) and, last,
/// `crc32c` (F64), the checksum of job and state as written and of the bytes of all others. Metadata:
/// `format`, `job` (what decides the bytes, JSON), `state` (JSON).
package enum CodebookCheckpoint {
  struct State: Codable {
    var phase: CodebookProgress.Phase
    var failure: CodebookProgress.Failure?
    var passes: Int
    var meanSquare: Double?
  }

  static let (outcomes, descriptors) = ("outcomes", "descriptors")
  static let (words, squares) = ("words", "squares")
  package static let format = "decaf-codebook-checkpoint"
  private static let checksum = "crc32c"

  /// Writes the tensors, in their order, and the checksum.
  final class Writer {
    private let writer: SafetensorsWriter
    private var checksum = CRC32C()

    /// - Throws: `CodebookError.cannotWrite`, as all that follow.
    init(
      _ path: String, job: String, state: String, tensors: [SafetensorsWriter.Description]
    ) throws(CodebookError) {
      do throws(SystemError) {
        writer = try SafetensorsWriter(
          path, metadata: ["format": format, "job": job, "state": state],
          tensors: tensors + [.init(CodebookCheckpoint.checksum, [1], .float64)])
      } catch { throw .cannotWrite(error) }
      checksum.update(Array((job + state).utf8))
    }

    func append<Number: BitwiseCopyable>(_ numbers: [Number]) throws(CodebookError) {
      checksum.update(NumberBytes.bytes(numbers))
      do throws(SystemError) { try writer.append(numbers.span) } catch {
        throw .cannotWrite(error)
      }
    }

    func finish() throws(CodebookError) {
      do throws(SystemError) {
        try writer.append([Double(checksum.value)].span)
        try writer.finish()
      } catch { throw .cannotWrite(error) }
    }
  }

  /// Opens the file and checks all of it.
  ///
  /// - Parameters:
  ///   - job: what decides the bytes of the words that are wanted.
  ///   - imageCount: of all ranks.
  /// - Throws: `CodebookError.invalidCheckpoint`, `otherCheckpoint`.
  package static func open(
    _ path: String, job: JSONValue, imageCount: Int
  ) throws -> SafetensorsFile {
    func invalid(_ reason: String) -> CodebookError {
      .invalidCheckpoint(path: path, reason: reason)
    }
    let file: SafetensorsFile
    do { file = try SafetensorsFile(path) } catch { throw invalid("\(error)") }
    guard file.metadata["format"] == format, let jobText = file.metadata["job"],
      let stateText = file.metadata["state"]
    else { throw invalid("it is no checkpoint of a codebook") }
    guard let other = try? JSONValue(parsing: Array(jobText.utf8)) else {
      throw invalid("its job is no JSON")
    }
    let differences = job.differences(from: other).map {
      "\($0.keyPath): the checkpoint has \($0.other), this command \($0.own)"
    }
    if !differences.isEmpty {
      throw CodebookError.otherCheckpoint(path: path, differences: differences)
    }
    var checksum = CRC32C()
    checksum.update(Array((jobText + stateText).utf8))
    for name in [outcomes, descriptors, words, squares] {
      guard let tensor = file.tensor(named: name) else { throw invalid("it lacks \(name)") }
      if tensor.dtype == ElementType.float64.safetensorsName {
        checksum.update(NumberBytes.bytes(try file.doubles(name)))
      } else if tensor.dtype == ElementType.float32.safetensorsName {
        try file.storedFloats(name).forEachPiece { (piece: Span<Float>) throws(Never) in
          piece.withUnsafeBytes { checksum.update($0) }
        }
      }
    }
    guard (try? file.doubles(self.checksum)) == [Double(checksum.value)] else {
      throw invalid("its checksum is not that of its contents: it is damaged")
    }
    guard let state = try? JSONValue(parsing: Array(stateText.utf8)).decoded(State.self) else {
      throw invalid("its state is not understood")
    }
    if let problem = problem(file, state, imageCount) { throw invalid(problem) }
    return file
  }

  /// What does not fit together; a checksum does not tell who wrote the file.
  private static func problem(
    _ file: SafetensorsFile, _ state: State, _ imageCount: Int
  ) -> String? {
    let width = DenseSIFT.width
    guard let outcomes = try? file.doubles(outcomes), outcomes.count == imageCount,
      outcomes.allSatisfy({
        $0 >= Double(CodebookProgress.hasFailed) && $0 <= 0x1p31 && $0 == $0.rounded()
      })
    else { return "its outcomes are not those of \(imageCount) images" }
    let count = outcomes.reduce(0) { $0 + Int(max($1, 0)) }
    let squares = state.phase == .words ? count : 0
    guard file.tensor(named: descriptors)?.shape == [count, width],
      file.tensor(named: descriptors)?.dtype == ElementType.float32.safetensorsName,
      file.tensor(named: words)?.dtype == ElementType.float32.safetensorsName,
      let shape = file.tensor(named: words)?.shape, shape.count == 2, shape[1] == width,
      (shape[0] > 0) == (state.phase != .images), let stored = try? file.doubles(self.squares),
      stored.count == squares, stored.allSatisfy({ $0 >= 0 && $0 < 0x1p53 })
    else { return "its tensors do not fit together" }
    if state.phase != .images && outcomes.contains(Double(CodebookProgress.isMissing)) {
      return "it has words of images that are missing"
    }
    return nil
  }
}
